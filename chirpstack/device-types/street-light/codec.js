// NAS UL20xx luminaire controller, firmware 1.1.4 or newer. All numbers little-endian.
//   port 23 status  01 epoch4 flags1 flags1 rssi1 snr1 temp1 alerts1 n sensors(n) {addr reason level dali}…
//   port 26 usage   00 {addr mask fields…}…
//   port 50 configuration (echoed)   port 60 commands (echoed)   port 61 alarms
//   port 99 boot 00 serial4 fw3 epoch4 config features supply drivers [reset], rejection 13 port reason

const YEAR_2015 = 1420070400; // before this the device's clock has not been set

const REASONS = {
  0x21: "calendar-day", 0x22: "calendar-night", 0x70: "input-idle", 0x71: "input-active",
  0xf5: "relay-off", 0xf6: "driver-not-found", 0xf8: "fallback", 0xfa: "light-input",
  0xfc: "input", 0xfd: "manual", 0xff: "unknown",
};
const STEPS = { 0x30: "dawn", 0x40: null, 0x50: "dusk" };
const DRIVER_FAULTS = {
  0: "driver-error", 1: "lamp-failure", 3: "limit-error",
  5: "reset-state", 6: "missing-short-address", 7: "power-failure",
};
const DEVICE_FAULTS = { 1: "dali-connection", 5: "metering", 6: "clock" };
const ALERTS = {
  4: "voltage-in-24h", 5: "lamp-error-in-24h", 6: "power-in-24h", 7: "power-factor-in-24h",
};
const METERING_ALARMS = {
  0: "lamp-error", 1: "over-current", 2: "under-voltage", 3: "over-voltage", 4: "low-power-factor",
};
const WIRINGS = [
  "dali", "dali-nc", "dali-no", "analog-nc", "analog-no",
  "dali-analog-nc", "dali-analog-no", "dali-analog-nc-no",
];
const FEATURES = { 2: "input", 3: "light-input", 4: "open-drain", 5: "metering" };
const RESETS = {
  0: "reset-0", 1: "watchdog", 2: "soft", 3: "reset-3",
  4: "reset-4", 5: "reset-5", 6: "reset-6", 7: "reset-7",
};
const REJECTIONS = {
  0x02: "unknown-port", 0x03: "too-short", 0x04: "too-long", 0x05: "value",
  0x06: "parse", 0x07: "reserved-flag", 0x08: "flag-combination",
  0x09: "feature-unavailable", 0x0a: "unsupported-header", 0x0b: "hardware-unreachable",
  0x0c: "address-unavailable", 0x0d: "internal", 0x0e: "size",
  0x81: "profile-sequence", 0x82: "profile-destination", 0x83: "profile-days",
  0x84: "profile-step-count", 0x85: "profile-step-value", 0x86: "profile-steps-unsorted",
};
const REQUESTS = { 0: "usage", 1: "status", 2: "dim-map", 3: "location" };

// Reading

// A cursor over the payload that says what was asked when there is not enough.
function reader(bytes) {
  let at = 0;
  const move = (size, what) => {
    if (at + size > bytes.length)
      throw what + " is missing: wanted " + size + " at byte " + at + ", the payload has " + bytes.length;
    at += size;
    return at - size;
  };
  const u8 = (what) => bytes[move(1, what)];
  const u16 = (what) => {
    const i = move(2, what);
    return bytes[i] | (bytes[i + 1] << 8);
  };
  const u32 = (what) => {
    const i = move(4, what);
    return (bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)) >>> 0;
  };
  const i8 = (what) => (u8(what) << 24) >> 24;
  const take = (size, what) => bytes.slice(move(size, what), at);
  return { u8, u16, u32, i8, take, left: () => bytes.length - at, at: () => at };
}

function named(bits, names) {
  if (bits === 0) return [];
  return Object.keys(names).filter((bit) => (bits >> bit) & 1).map((bit) => names[bit]);
}

function hex(bytes) {
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function time(epoch) {
  return epoch < YEAR_2015 ? null : new Date(epoch * 1000).toISOString().slice(0, 19) + "Z";
}

function address(byte) {
  if (byte === 0x01) return "analog";
  if (byte === 0xfe) return "broadcast";
  if (byte === 0xff) return "all";
  if (byte & 1) throw "0x" + hex([byte]) + " is no address";
  return byte & 0x80 ? "group-" + ((byte >> 1) & 15) : "dali-" + (byte >> 1);
}

function reason(byte) {
  if (byte < 8) return "profile-" + byte;
  if (byte >= 0x80 && byte < 0x88) return "light-" + (byte - 0x80);
  if (STEPS[byte & 0xf0]) return STEPS[byte & 0xf0] + "-" + (byte & 15);
  if (REASONS[byte]) return REASONS[byte];
  throw "0x" + hex([byte]) + " is no reason for a level";
}

function lux(raw) {
  if (raw === 0xffff) return null;
  return Number((10 ** ((raw & 0x7fff) / 4000) / 1000).toPrecision(5));
}

function driver(read) {
  const [addr, why, level, dali] = read.take(4, "a dimming source");
  const known = dali !== 0xff;
  return {
    address: address(addr),
    level: level === 0xff ? null : level,
    reason: reason(why),
    lamp_on: known ? (dali & 4) !== 0 : null,
    fading: known ? (dali & 16) !== 0 : null,
    faults: known ? named(dali, DRIVER_FAULTS) : [],
  };
}

const SENSORS = {
  1: (read) => ({ light_input: read.u8("the light input") }),
  2: (read) => ({ lux: lux(read.u16("the light sensor")) }),
  3: (read) => ({ d4i_lux: lux(read.u16("the D4i light sensor")) }), // tells lux, if alone
  4: (read) => ({ motion: (read.u8("the digital input") & 1) === 1 }),
  8: (read) => ({ tilt_deg: ((deg) => (deg === 0xff ? null : deg))(read.u8("the tilt sensor")) }),
};

function sensors(read) {
  let found = {};
  const size = read.u8("the size of the sensors");
  const end = read.at() + size;
  while (read.at() < end) {
    const kind = read.u8("a sensor's kind");
    if (!SENSORS[kind]) throw "0x" + hex([kind]) + " is no known sensor";
    found = { ...found, ...SENSORS[kind](read) };
  }
  if (found.lux === undefined && found.d4i_lux !== undefined) found.lux = found.d4i_lux;
  if (read.at() > end) throw "the sensors do not end after " + size + " bytes";
  return found;
}

function status(read) {
  const header = read.u8("the header");
  if (header !== 1)
    throw "a status begins with 0x01 since firmware 1.1.4, found 0x" + hex([header]);
  const at = time(read.u32("the time"));
  const flags = read.u8("the flags");
  const more = read.u8("the flags");
  const [rssi, snr] = [-read.u8("the RSSI"), read.i8("the SNR")];
  const temperature = read.i8("the temperature");
  const alerts = read.u8("the alerts");
  const sensed = sensors(read);
  const drivers = [];
  while (read.left()) drivers.push(driver(read));
  if (!drivers.length) throw "a status has at least one dimming source, found none";
  const first = drivers[0];
  return {
    message: "status",
    time: at,
    level: first.level === null ? 0 : first.level,
    reason: first.reason,
    lamp_on: first.lamp_on === true,
    motion: null,
    lux: null,
    ...sensed,
    faults: [
      ...named(flags, DEVICE_FAULTS),
      ...named(alerts, ALERTS),
      ...drivers.flatMap((one) => one.faults),
    ],
    temperature_c: temperature,
    downlink_rssi_dbm: rssi,
    downlink_snr_db: snr,
    relay_closed: (flags & 0x80) !== 0,
    open_drain_on: (more & 4) !== 0,
    lumalink: (more & 0x40) !== 0,
    lumalink_since_boot: (more & 0x80) !== 0,
    drivers,
  };
}

const METERS = [
  ["energy_wh", (read, what) => read.u32(what)],
  ["power_w", (read, what) => read.u16(what)],
  ["load_energy_wh", (read, what) => read.u32(what)],
  ["load_power_w", (read, what) => read.u16(what)],
  ["power_factor", (read, what) => ((pf) => (pf === 0xff ? null : pf / 100))(read.u8(what))],
  ["voltage_v", (read, what) => read.u8(what)],
  ["driver_on_s", (read, what) => read.u32(what)],
  ["lamp_on_s", (read, what) => read.u32(what)],
];

function meter(read) {
  const byte = read.u8("a meter's address");
  const mask = read.u8("a meter's fields");
  const found = { address: byte === 0xff ? "controller" : address(byte) };
  METERS.forEach(([name, get], bit) => {
    if ((mask >> bit) & 1) found[name] = get(read, name);
  });
  return found;
}

function usage(read) {
  const header = read.u8("the header");
  if (header !== 0) throw "a usage report begins with 0x00, found 0x" + hex([header]);
  const meters = [];
  while (read.left()) meters.push(meter(read));
  if (!meters.length) throw "a usage report has at least one meter, found none";
  const { address: _, ...first } = meters[0];
  return { message: "usage", ...first, meters };
}

function supply(byte) {
  const volts = byte & 0x7f;
  if (volts < 0x70) return volts;
  return { 0x7e: "bus-high", 0x7f: "bus-error" }[volts] || "invalid";
}

function boot(read) {
  const serial = hex(read.take(4, "the serial number").reverse());
  const firmware = read.take(3, "the firmware version").join(".");
  const at = time(read.u32("the time"));
  const wiring = read.u8("the wiring");
  if (!WIRINGS[wiring]) throw "0x" + hex([wiring]) + " is no known wiring";
  const features = read.u8("the features");
  const dali = read.u8("the DALI supply");
  const drivers = read.u8("the drivers");
  return {
    message: "boot",
    serial,
    firmware,
    time: at,
    wiring: WIRINGS[wiring],
    features: named(features, FEATURES),
    dali_supply: supply(dali),
    dali_power: dali & 0x80 ? "external" : "internal",
    drivers: drivers & 0x7f,
    unaddressed_driver: (drivers & 0x80) !== 0,
    resets: read.left() ? named(read.u8("the reset reason"), RESETS) : [],
  };
}

function rejection(read) {
  const port = read.u8("the refused port");
  const code = read.u8("the reason");
  return { message: "rejection", f_port: port, reason: REJECTIONS[code] || "0x" + hex([code]) };
}

function system(read) {
  const header = read.u8("the header");
  if (header === 0x00) return boot(read);
  if (header === 0x13) return rejection(read);
  throw "0x" + hex([header]) + " is no known system message";
}

function motionAlarm(read, low) {
  const size = low >> 4;
  if (size !== 4) throw "a digital input alarm has 4 bytes of counter, found " + size;
  return { alarm: "motion", motion: (low & 1) === 1, count: read.u32("the counter") };
}

function lightAlarm(read, low) {
  if (low >> 4 !== 2) throw "a light input alarm has 2 bytes, found " + (low >> 4);
  const on = (read.u8("the light input") & 1) === 1;
  return { alarm: "light-input", on, light_input: read.u8("the light input") };
}

function driverAlarm(read) {
  const drivers = [];
  while (read.left()) {
    const [addr, dali] = read.take(2, "a driver");
    drivers.push({
      address: address(addr),
      lamp_on: (dali & 4) !== 0,
      fading: (dali & 16) !== 0,
      faults: named(dali, DRIVER_FAULTS),
    });
  }
  return { alarm: "driver", faults: drivers.flatMap((one) => one.faults), drivers };
}

function meteringAlarm(read, low) {
  return {
    alarm: "metering",
    faults: named(low, METERING_ALARMS),
    power_w: read.u16("the power"),
    voltage_v: read.u16("the voltage"),
    power_factor: read.u8("the power factor") / 100,
  };
}

const ALARMS = { 0x80: motionAlarm, 0x81: lightAlarm, 0x83: driverAlarm, 0x84: meteringAlarm };

function alarm(read) {
  const kind = read.u8("the kind of alarm");
  if (!ALARMS[kind]) throw "0x" + hex([kind]) + " is no known alarm";
  return { message: "alarm", ...ALARMS[kind](read, read.u8("the alarm's size")) };
}

// Commands are the same bytes in both directions: the controller answers with an echo.

function target(read) {
  const [addr, level] = read.take(2, "a dimming target");
  if (level > 100 && level !== 0xff) throw "a level is 0 to 100 or 255, found " + level;
  return { address: address(addr), level: level === 0xff ? null : level };
}

function dimming(read) {
  const targets = [];
  while (read.left()) targets.push(target(read));
  if (!targets.length) throw "a dimming has at least one target, found none";
  return { message: "dimming", level: targets[0].level, targets };
}

function timedDimming(read) {
  const targets = [];
  while (read.left()) targets.push({ ...target(read), minutes: read.u8("the minutes") });
  if (!targets.length) throw "a dimming has at least one target, found none";
  return { message: "dimming", level: targets[0].level, minutes: targets[0].minutes, targets };
}

function request(read) {
  return { message: "request", requested: named(read.u8("what is requested"), REQUESTS) };
}

const COMMANDS = {
  0x01: dimming,
  0x05: request,
  0x09: timedDimming,
  0x0c: (read) => ({ message: "open-drain", on: (read.u8("the output") & 1) === 1 }),
};

function command(read) {
  const kind = read.u8("the kind of command");
  if (!COMMANDS[kind]) throw "0x" + hex([kind]) + " is no known command";
  return COMMANDS[kind](read);
}

const SETTINGS = {
  0x07: (read) => ({ status_interval_s: read.u32("the status interval") }),
  0x0b: (read) => ({
    usage_interval_s: read.u32("the usage interval"),
    voltage_v: ((volts) => (volts === 0xff ? null : volts))(read.u8("the mains voltage")),
  }),
  0x2a: (read) => ({
    report_delay_s: ((raw) => (raw === 0xff ? null : raw * 5))(read.u8("the delay")),
    report_limit_s: read.u8("the limit") * 60,
  }),
  // Behind slot and address come the group's keys, where the lamp repeats them: no
  // document shows them.
  0x52: (read) => {
    const [slot, ...address] = read.take(5, "a group");
    if (read.left()) read.take(32, "the keys of a group");
    return { group: { slot, address: hex(address.reverse()) } };
  },
};

function setting(read) {
  const kind = read.u8("the kind of setting");
  if (!SETTINGS[kind]) throw "0x" + hex([kind]) + " is no known setting";
  return { message: "setting", ...SETTINGS[kind](read) };
}

const UPLINKS = { 23: status, 26: usage, 50: setting, 60: command, 61: alarm, 99: system };
const DOWNLINKS = { 50: setting, 60: command };

function decode(input, ports) {
  const decoder = ports[input.fPort];
  if (!decoder) return { errors: ["port " + input.fPort + " is not known"] };
  try {
    const read = reader(input.bytes);
    const data = decoder(read);
    return read.left()
      ? { errors: [read.left() + " bytes are left over after byte " + read.at()] }
      : { data };
  } catch (what) {
    if (typeof what !== "string") throw what;
    return { errors: [what] };
  }
}

function decodeUplink(input) {
  return decode(input, UPLINKS);
}

// Writing

function whole(name, value, least, most) {
  if (!Number.isInteger(value) || value < least || value > most)
    throw name + " is a whole number from " + least + " to " + most + ", found " + JSON.stringify(value);
  return value;
}

function u32(value) {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
}

function addressByte(name) {
  const fixed = { analog: 0x01, broadcast: 0xfe, all: 0xff }[name];
  if (fixed) return fixed;
  const found = /^(dali|group)-(\d+)$/.exec(name);
  if (!found) throw "an address is broadcast, all, analog, dali-N or group-N, found " + JSON.stringify(name);
  const most = found[1] === "dali" ? 63 : 15;
  return (found[1] === "dali" ? 0 : 0x80) | (whole(found[1], Number(found[2]), 0, most) << 1);
}

// One entry per command: the keys it needs, the keys it may have, and its bytes.
const ENCODERS = [
  [["level", "minutes"], ["address"], 60, (c) =>
    [0x09, c.to, whole("level", c.level, 0, 100), whole("minutes", c.minutes, 1, 255)]],
  [["level"], ["address"], 60, (c) => [0x01, c.to, whole("level", c.level, 0, 100)]],
  [["resume"], ["address"], 60, (c) => {
    if (c.resume !== true) throw "resume is true, found " + JSON.stringify(c.resume);
    return [0x01, c.to, 0xff];
  }],
  [["request"], [], 60, (c) => {
    const bit = Object.keys(REQUESTS).find((key) => REQUESTS[key] === c.request);
    if (!bit) throw "request is one of " + Object.values(REQUESTS).join(", ") + ", found " + JSON.stringify(c.request);
    return [0x05, 1 << bit];
  }],
  [["open_drain"], [], 60, (c) => {
    if (typeof c.open_drain !== "boolean") throw "open_drain is true or false, found " + JSON.stringify(c.open_drain);
    return [0x0c, c.open_drain ? 1 : 0];
  }],
  [["status_interval_s"], [], 50, (c) =>
    [0x07, ...u32(whole("status_interval_s", c.status_interval_s, 60, 86400))]],
  [["usage_interval_s"], [], 50, (c) =>
    [0x0b, ...u32(whole("usage_interval_s", c.usage_interval_s, 0, 86400)), 0xff]],
];

function encodeDownlink(input) {
  const given = Object.keys(input.data);
  const found = ENCODERS.find(
    ([needs, may]) =>
      needs.every((key) => given.includes(key)) &&
      given.every((key) => needs.includes(key) || may.includes(key)),
  );
  if (!found) {
    const known = ENCODERS.map(([needs]) => needs.join(" with ")).join("; ");
    return { errors: ["a command is one of: " + known + "; found " + (given.join(", ") || "nothing")] };
  }
  try {
    const named = input.data.address === undefined ? "broadcast" : input.data.address;
    return { fPort: found[2], bytes: found[3]({ ...input.data, to: addressByte(named) }) };
  } catch (what) {
    if (typeof what !== "string") throw what;
    return { errors: [what] };
  }
}

// A command as it was given to encodeDownlink.
function asGiven(data) {
  if (data.message === "setting") {
    const { message: _, voltage_v: __, ...rest } = data;
    return rest;
  }
  if (data.message === "open-drain") return { open_drain: data.on };
  if (data.message === "request") {
    if (data.requested.length !== 1) throw "a request asks for one thing, found " + data.requested.length;
    return { request: data.requested[0] };
  }
  if (data.targets.length !== 1) throw "a command has one target, found " + data.targets.length;
  const [{ address: to, level, minutes }] = data.targets;
  return {
    ...(level === null ? { resume: true } : { level }),
    ...(minutes === undefined ? {} : { minutes }),
    ...(to === "broadcast" ? {} : { address: to }),
  };
}

function decodeDownlink(input) {
  const found = decode(input, DOWNLINKS);
  if (found.errors) return found;
  try {
    return { data: asGiven(found.data) };
  } catch (what) {
    if (typeof what !== "string") throw what;
    return { errors: [what] };
  }
}
