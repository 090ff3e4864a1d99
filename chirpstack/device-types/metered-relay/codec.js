// Yobiiq EM2101 energy meter with relay. Everything is {channel1 type1 value…}…, big-endian.
//   ports 1 to 10 measurements   port 11 changes of state   port 50 settings, both ways
//   port 60 why and when the relay switched   one byte alone: 0 a downlink was taken, 1 refused

// Per type: name, size in bytes, sign, and how many steps make one unit.
const MEASURES = {
  0x00: ["index", 4, "u", 1],
  0x01: ["time_s", 4, "u", 1],
  0x03: ["logger_time_s", 4, "u", 1],
  0x04: ["energy_import_t1_wh", 4, "u", 1],
  0x05: ["energy_import_t2_wh", 4, "u", 1],
  0x06: ["energy_export_t1_wh", 4, "u", 1],
  0x07: ["energy_export_t2_wh", 4, "u", 1],
  0x08: ["reactive_energy_import_t1_varh", 4, "u", 1],
  0x09: ["reactive_energy_import_t2_varh", 4, "u", 1],
  0x0a: ["reactive_energy_export_t1_varh", 4, "u", 1],
  0x0b: ["reactive_energy_export_t2_varh", 4, "u", 1],
  0x0c: ["voltage_v", 4, "s", 10],
  0x10: ["current_a", 4, "s", 1000],
  0x14: ["power_w", 4, "s", 1],
  0x17: ["reactive_power_var", 4, "s", 1],
  0x1a: ["apparent_power_va", 4, "s", 1],
  0x1d: ["power_factor", 1, "s", 100],
  0x20: ["phase_angle_deg", 2, "s", 100],
  0x23: ["frequency_hz", 2, "s", 100],
  0x24: ["total_power_kw", 4, "u", 1],
  0x25: ["total_reactive_power_var", 4, "u", 1],
  0x26: ["total_apparent_power_va", 4, "u", 1],
  0x27: ["largest_current_a", 4, "s", 1000],
  0x2a: ["average_power_w", 4, "s", 1],
  0x2b: ["certified_year", 4, "u", 1],
  0xf0: ["made_year", 2, "year"],
  0xf1: ["firmware", 2, "version"],
  0xf2: ["hardware", 2, "version"],
};
const STATES = {
  0x01: ["on", 1, "flag"],
  0x02: ["input_closed", 1, "flag"],
};
// The limits: what each is called, its size and steps; 0x3c + n is the one in flash, 0x50 + n the one of now.
const LIMITS = [
  ["current_limit_a", 2, 10, 9999],
  ["voltage_limit_v", 2, 1, 9999],
  ["power_limit_w", 2, 1, 9999],
  ["off_delay_s", 2, 1, 9999],
  ["on_delay_s", 2, 1, 9999],
  ["offset_current_a", 2, 10, 9999],
  ["offset_delay_s", 2, 1, 9999],
  ["reset_time_s", 2, 1, 9999],
  ["reset_amount", 1, 1, 255],
];
const INFORMATION = {
  0x00: ["on", 1, "flag"],
  0x09: ["hardware", 2, "version"],
  0x0a: ["firmware", 2, "version"],
  0x0b: ["powered", 1, "flag"],
  0x0f: ["device_class", 1, ["A", "B", "C"]],
  0x16: ["serial", 4, "u", 1],
  0x1e: ["current_transformer_primary", 2, "u", 1],
  0x1f: ["current_transformer_secondary", 1, "u", 1],
  0x20: ["voltage_transformer_primary", 4, "u", 1],
  0x21: ["voltage_transformer_secondary", 2, "u", 1],
};
const EVENTS = {
  0x01: ["off_reason", 1, ["invalid", "current-limit", "network", "display"]],
  0x02: ["on_reason", 1, ["invalid", "timed-reset", "network-reset", "display", "network"]],
  0x03: ["off_time_s", 4, "u", 1],
  0x04: ["on_time_s", 4, "u", 1],
  0x05: ["off_current_a", 4, "u", 1000],
  0x06: ["off_voltage_v", 4, "u", 10],
  0x07: ["off_power_w", 4, "u", 1],
  0x08: ["resets", 1, [null, "left", "used-up"]],
};
// Per command: channel, type, size, steps (0: a flag), least and most.
const COMMANDS = {
  on: [0x07, 0x48, 1, 0],
  network_control: [0x07, 0x47, 1, 0],
  digital_input: [0x08, 0x47, 1, 0],
  reset: [0x07, 0x46, 1, 0],
  restart: [0xff, 0x0b, 1, 0],
  report_every_min: [0xff, 0x14, 1, 1, 1, 255],
};
const ONLY_TRUE = ["reset", "restart"];
const REQUEST_CHANNEL = 0x02, REQUEST_TYPE = 0x0b;
const REQUESTS = { on: 0x00 };

LIMITS.forEach(([name, size, steps, most], n) => {
  INFORMATION[0x3c + n] = ["fallback_" + name, size, "u", steps];
  INFORMATION[0x50 + n] = [name, size, "u", steps];
  REQUESTS["fallback_" + name] = 0x3c + n;
  REQUESTS[name] = 0x50 + n;
  COMMANDS["fallback_" + name] = [0xff, 0x32 + n, size, steps, 0, most];
  COMMANDS[name] = [0x01, 0x32 + n, size, steps, 0, most];
});

// Reading

function hex(byte) {
  return "0x" + byte.toString(16).padStart(2, "0");
}

function whole(bytes, signed) {
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const span = 256 ** bytes.length;
  return signed && value >= span / 2 ? value - span : value;
}

function value(bytes, [name, , kind, steps]) {
  if (kind === "u" || kind === "s") return whole(bytes, kind === "s") / steps;
  if (kind === "flag") return bytes[0] === 1;
  if (kind === "version") return bytes.map((byte) => byte.toString(16)).join(".");
  if (kind === "year") return bytes.reduce((sum, byte) => sum * 100 + (byte >> 4) * 10 + (byte & 15), 0);
  if (typeof kind[bytes[0]] !== "string") throw name + " has no meaning " + bytes[0];
  return kind[bytes[0]];
}

function fields(bytes, table) {
  const found = {};
  for (let at = 0; at < bytes.length; ) {
    if (at + 2 > bytes.length) throw "a type is missing after channel " + hex(bytes[at]);
    const known = table[bytes[at + 1]];
    if (!known) throw "type " + hex(bytes[at + 1]) + " is not known on this port";
    const [name, size] = known;
    const rest = bytes.slice(at + 2, at + 2 + size);
    if (rest.length < size) throw name + " has a size of " + size + ", found " + rest.length;
    found[name] = value(rest, known);
    at += 2 + size;
  }
  return found;
}

const READERS = {
  11: ["state", STATES],
  50: ["information", INFORMATION],
  60: ["switching", EVENTS],
};

function document(port, bytes) {
  const known = port >= 1 && port <= 10 ? ["measurement", MEASURES] : READERS[port];
  if (!known) throw "port " + port + " is not known";
  if (bytes.length === 0) throw "a payload on port " + port + " is not empty";
  if (bytes.length > 1) return { message: known[0], ...fields(bytes, known[1]) };
  if (bytes[0] > 1) throw "a single byte is 0 or 1, found " + bytes[0];
  return { message: "acknowledgement", done: bytes[0] === 0 };
}

function decodeUplink(input) {
  try {
    return { data: document(input.fPort, Array.from(input.bytes)) };
  } catch (what) {
    if (typeof what !== "string") throw what;
    return { errors: [what] };
  }
}

// Commands

function flag(name, given) {
  if (typeof given !== "boolean") throw name + " is true or false, found " + JSON.stringify(given);
  if (!given && ONLY_TRUE.includes(name)) throw name + " can only be true";
  return [given ? 1 : 0];
}

function number(name, given, [, , size, steps, least, most]) {
  const raw = typeof given === "number" ? Math.round(given * steps) : NaN;
  if (!(raw >= least && raw <= most))
    throw name + " is " + least / steps + " to " + most / steps + ", found " + JSON.stringify(given);
  return size === 1 ? [raw] : [raw >> 8, raw & 255];
}

function command([name, given]) {
  if (name === "request") {
    if (!Object.hasOwn(REQUESTS, given)) throw "nothing called " + JSON.stringify(given) + " can be requested";
    return [REQUEST_CHANNEL, REQUEST_TYPE, REQUESTS[given]];
  }
  if (!Object.hasOwn(COMMANDS, name)) throw "there is no command " + name;
  const known = COMMANDS[name];
  return [known[0], known[1], ...(known[3] ? number(name, given, known) : flag(name, given))];
}

function encodeDownlink(input) {
  try {
    const bytes = Object.entries(input.data).flatMap(command);
    return bytes.length ? { fPort: 50, bytes } : { errors: ["the command is empty"] };
  } catch (what) {
    if (typeof what !== "string") throw what;
    return { errors: [what] };
  }
}

function told(bytes, at) {
  const [channel, type] = [bytes[at], bytes[at + 1]];
  if (channel === REQUEST_CHANNEL && type === REQUEST_TYPE) {
    const named = Object.keys(REQUESTS).find((name) => REQUESTS[name] === bytes[at + 2]);
    if (!named) throw "nothing is requested by " + bytes.slice(at + 2, at + 3).map(hex).join("");
    return ["request", named, 3];
  }
  const name = Object.keys(COMMANDS).find((one) => COMMANDS[one][0] === channel && COMMANDS[one][1] === type);
  if (!name) throw "there is no command " + bytes.slice(at, at + 2).map(hex).join(" ");
  const [, , size, steps] = COMMANDS[name];
  const rest = bytes.slice(at + 2, at + 2 + size);
  if (rest.length < size) throw name + " has a size of " + size + ", found " + rest.length;
  return [name, steps ? whole(rest, false) / steps : rest[0] === 1, 2 + size];
}

function decodeDownlink(input) {
  if (input.fPort !== 50) return { errors: ["commands come on port 50, found " + input.fPort] };
  try {
    const bytes = Array.from(input.bytes), data = {};
    for (let at = 0; at < bytes.length; ) {
      const [name, given, size] = told(bytes, at);
      data[name] = given;
      at += size;
    }
    return { data };
  } catch (what) {
    if (typeof what !== "string") throw what;
    return { errors: [what] };
  }
}
