// Weather station of Toulouse Métropole: 96 bits on port 40, most significant bit first.
//   sub-station 1 · station 7 · year 5 (2019 + n) · month 4 · day 5 · message number 7 (1 to 96)
//   °C + 50 7 · tenths 4 · humidity 7 · tips of 0.2 mm 8 · tips of the worst minute 5
//   mean wind towards, degrees / 2, 8 · force 7 · gust from, 1/16 turns, 4 · force 7
//   hPa - 900 8 · unused 2
// The meaning of the fields is the Métropole's, their order and widths are ours.

const SIZE = 12;
const TIP_MM = 0.2;
const KNEE = 80; // km/h: above, a step is worth two

// A cursor over the bits.
function reader(bytes) {
  let at = 0;
  return (width) => {
    let value = 0;
    for (const end = at + width; at < end; at++) value = value * 2 + ((bytes[at >> 3] >> (7 - (at & 7))) & 1);
    return value;
  };
}

function within(name, value, least, most) {
  if (value < least || value > most) throw name + " is " + least + " to " + most + ", found " + value;
  return value;
}

function force(steps) {
  return steps <= KNEE ? steps : KNEE + 2 * (steps - KNEE);
}

function instant(year, month, day, number) {
  const time = Date.UTC(2019 + year, month - 1, day, 0, 15 * (number - 1));
  const date = new Date(time);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) throw "there is no day " + day + " in month " + month;
  return date.toISOString().replace(".000", "");
}

// Rounding to the decimals of the field keeps 0.6000000000000001 out of the document.
function decimals(value, count) {
  return Number(value.toFixed(count));
}

function observation(bytes) {
  const bits = reader(bytes);
  if (bits(1)) throw "batches of sub-stations are not read";
  const station = bits(7);
  const [year, month, day] = [bits(5), within("the month", bits(4), 1, 12), within("the day", bits(5), 1, 31)];
  const number = within("the message number", bits(7), 1, 96);
  const whole = bits(7) - 50;
  const tenths = within("the tenths", bits(4), 0, 9);
  const humidity = within("the humidity", bits(7), 0, 100);
  const [tips, worst] = [bits(8), bits(5)];
  const towards = within("the halved wind angle", bits(8), 0, 179) * 2;
  const [mean, gustFrom, gust] = [bits(7), bits(4), bits(7)];
  return {
    message: "observation",
    station,
    time: instant(year, month, day, number),
    number,
    temperature_c: decimals(whole + tenths / 10, 1),
    humidity_percent: humidity,
    rain_mm: decimals(tips * TIP_MM, 1),
    rain_worst_minute_mm: decimals(worst * TIP_MM, 1),
    wind_from_deg: (towards + 180) % 360,
    wind_kmh: force(mean),
    gust_from_deg: gustFrom * 22.5,
    gust_kmh: force(gust),
    pressure_hpa: bits(8) + 900,
  };
}

function decodeUplink(input) {
  if (input.fPort !== 40) return { errors: ["observations come on port 40, found " + input.fPort] };
  const bytes = Array.from(input.bytes);
  // 2^48 - 1: the old firmware's way to say nothing.
  if (bytes.length >= 6 && bytes.slice(0, 6).every((byte) => byte === 255)) return { data: { message: "nothing" } };
  if (bytes.length !== SIZE) return { errors: ["an observation has a size of " + SIZE + ", found " + bytes.length] };
  try {
    return { data: observation(bytes) };
  } catch (what) {
    if (typeof what !== "string") throw what;
    return { errors: [what] };
  }
}
