// Bosch TPS110 parking lot sensor, firmware 0.29.2.
//   port 1 status occupied1 · port 2 heartbeat occupied1 [temp1]
//   port 3 start-up {code2 unused2}×3 firmware3 reset1 occupied1
//   port 4 device information · port 5 device usage (both unpublished)
//   port 6 debug epoch4 code2 unused2 sequence2

const RESETS = { 1: "watchdog", 2: "power-on", 3: "system-request", 4: "other" };

function hex(bytes) {
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function occupied(byte) {
  return (byte & 1) === 1;
}

function code(bytes, at) {
  return ((bytes[at + 1] & 15) << 8) | bytes[at];
}

function status(bytes) {
  return { message: "status", occupied: occupied(bytes[0]) };
}

function heartbeat(bytes) {
  const temperature = bytes.length < 2 ? null : (bytes[1] << 24) >> 24;
  return { message: "heartbeat", occupied: occupied(bytes[0]), temperature_c: temperature };
}

function startup(bytes) {
  return {
    message: "startup",
    occupied: occupied(bytes[16]),
    firmware: bytes.slice(12, 15).join("."),
    reset: RESETS[bytes[15]] || "unknown-" + bytes[15],
    debug_codes: [0, 4, 8].map((at) => code(bytes, at)),
  };
}

function debug(bytes) {
  const epoch = ((bytes[3] << 24) | (bytes[2] << 16) | (bytes[1] << 8) | bytes[0]) >>> 0;
  return {
    message: "debug",
    device_time_s: epoch,
    code: code(bytes, 4),
    sequence: (bytes[9] << 8) | bytes[8],
  };
}

// Per port: the least and the most bytes, and what they mean.
const UPLINKS = {
  1: [1, 1, status],
  2: [1, 2, heartbeat],
  3: [17, 17, startup],
  4: [1, 242, (bytes) => ({ message: "information", bytes: hex(bytes) })],
  5: [1, 242, (bytes) => ({ message: "usage", bytes: hex(bytes) })],
  6: [10, 10, debug],
};

function decodeUplink(input) {
  if (!UPLINKS[input.fPort]) return { errors: ["port " + input.fPort + " is not known"] };
  const [least, most, decode] = UPLINKS[input.fPort];
  const size = input.bytes.length;
  if (size < least || size > most) {
    const wanted = least === most ? least : least + " to " + most;
    return { errors: ["a payload on port " + input.fPort + " has a size of " + wanted + ", found " + size] };
  }
  return { data: decode(input.bytes) };
}
