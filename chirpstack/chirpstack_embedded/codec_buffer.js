// The modules a codec may import: a subset of Node's Buffer, base64 and IEEE 754.
// Evaluates to one function that returns them by module name. Written from Node's
// documentation of the names; bytes are a Uint8Array with more methods.
(() => {
  "use strict";
  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

  const toBase64 = (bytes, pad = "=") => {
    let text = "";
    for (let i = 0; i < bytes.length; i += 3) {
      const word = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
      const have = Math.min(3, bytes.length - i) + 1;
      for (let j = 0; j < 4; j++) text += j < have ? DIGITS[(word >> (18 - 6 * j)) & 63] : pad;
    }
    return text;
  };

  const fromBase64 = (text) => {
    const clean = text.replace(/-/g, "+").replace(/_/g, "/").replace(/[^A-Za-z0-9+/]/g, "");
    const bytes = [];
    let word = 0, bits = 0;
    for (const digit of clean) {
      word = (word << 6) | DIGITS.indexOf(digit);
      bits += 6;
      if (bits >= 8) bytes.push((word >> (bits -= 8)) & 255);
    }
    return bytes;
  };

  const toUtf8 = (text) => {
    const bytes = [];
    for (const character of text) {
      let code = character.codePointAt(0);
      if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
      if (code < 0x80) bytes.push(code);
      else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
      else if (code < 0x10000)
        bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      else
        bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63),
          0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
    return bytes;
  };

  const fromUtf8 = (bytes) => {
    let text = "";
    for (let i = 0; i < bytes.length; ) {
      const first = bytes[i++];
      if (first < 0x80) { text += String.fromCharCode(first); continue; }
      const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc2 ? 1 : 0;
      let code = first & (0x3f >> more), got = 0;
      while (got < more && (bytes[i] & 0xc0) === 0x80) { code = (code << 6) | (bytes[i++] & 63); got++; }
      const least = [0, 0x80, 0x800, 0x10000][more];
      const good = more > 0 && got === more && code >= least && code <= 0x10ffff &&
        !(code >= 0xd800 && code <= 0xdfff);
      text += good ? String.fromCodePoint(code) : "\ufffd";
    }
    return text;
  };

  const fromHex = (text) => {
    const bytes = [];
    for (let i = 0; i + 1 < text.length; i += 2) {
      const byte = parseInt(text.slice(i, i + 2), 16);
      if (Number.isNaN(byte) || !/^[0-9a-f]{2}$/i.test(text.slice(i, i + 2))) break;
      bytes.push(byte);
    }
    return bytes;
  };

  const narrow = (text) => Array.from(text, (c) => c.charCodeAt(0) & 255);
  const wide = (bytes, mask) => Array.from(bytes, (b) => String.fromCharCode(b & mask)).join("");
  const toUtf16 = (text) => {
    const bytes = [];
    for (let i = 0; i < text.length; i++) bytes.push(text.charCodeAt(i) & 255, text.charCodeAt(i) >> 8);
    return bytes;
  };
  const fromUtf16 = (bytes) => {
    let text = "";
    for (let i = 0; i + 1 < bytes.length; i += 2) text += String.fromCharCode(bytes[i] | (bytes[i + 1] << 8));
    return text;
  };

  const ENCODINGS = {
    hex: [fromHex, (b) => Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("")],
    utf8: [toUtf8, fromUtf8],
    ascii: [narrow, (b) => wide(b, 127)],
    latin1: [narrow, (b) => wide(b, 255)],
    utf16le: [toUtf16, fromUtf16],
    base64: [fromBase64, (b) => toBase64(b)],
    base64url: [fromBase64, (b) => toBase64(b, "").replace(/\+/g, "-").replace(/\//g, "_")],
  };
  Object.assign(ENCODINGS, {
    "utf-8": ENCODINGS.utf8, binary: ENCODINGS.latin1,
    ucs2: ENCODINGS.utf16le, "ucs-2": ENCODINGS.utf16le, "utf-16le": ENCODINGS.utf16le,
  });
  const encoding = (name = "utf8") => {
    const found = ENCODINGS[String(name).toLowerCase()];
    if (!found) throw new TypeError("Unknown encoding: " + name);
    return found;
  };

  const dress = (bytes) => Object.setPrototypeOf(bytes, Buffer.prototype);

  function Buffer(value, how, length) {
    return typeof value === "number" ? Buffer.alloc(value) : Buffer.from(value, how, length);
  }
  Buffer.prototype = Object.create(Uint8Array.prototype, { constructor: { value: Buffer } });
  Buffer.poolSize = 8192;
  Buffer.from = (value, how, length) => {
    if (typeof value === "string") return dress(new Uint8Array(encoding(how)[0](value)));
    if (value instanceof ArrayBuffer) return dress(new Uint8Array(value, how, length));
    if (value && value.type === "Buffer" && Array.isArray(value.data)) return dress(Uint8Array.from(value.data));
    if (value === null || typeof value !== "object")
      throw new TypeError("The first argument must be a string, Buffer, ArrayBuffer or Array");
    return dress(Uint8Array.from(value));
  };
  Buffer.alloc = (size, fill = 0, how = "utf8") => dress(new Uint8Array(size)).fill(fill, 0, size, how);
  Buffer.allocUnsafe = Buffer.allocUnsafeSlow = (size) => Buffer.alloc(size);
  Buffer.isBuffer = (value) => value instanceof Buffer;
  Buffer.isEncoding = (name) => typeof name === "string" && name.toLowerCase() in ENCODINGS;
  Buffer.byteLength = (value, how) => (typeof value === "string" ? encoding(how)[0](value).length : value.byteLength);
  Buffer.concat = (list, total = list.reduce((sum, part) => sum + part.length, 0)) => {
    const whole = Buffer.alloc(total);
    let at = 0;
    for (const part of list) {
      for (let i = 0; i < part.length && at < total; i++) whole[at++] = part[i];
    }
    return whole;
  };
  Buffer.compare = (one, other) => {
    for (let i = 0; i < Math.min(one.length, other.length); i++)
      if (one[i] !== other[i]) return one[i] < other[i] ? -1 : 1;
    return Math.sign(one.length - other.length);
  };

  const method = (name, value) =>
    Object.defineProperty(Buffer.prototype, name, { value, writable: true, configurable: true });
  const typed = Uint8Array.prototype;

  method("toString", function (how, start = 0, end = this.length) {
    return encoding(how)[1](typed.subarray.call(this, start, end));
  });
  method("toJSON", function () { return { type: "Buffer", data: Array.from(this) }; });
  method("equals", function (other) { return Buffer.compare(this, other) === 0; });
  method("compare", function (other) { return Buffer.compare(this, other); });
  // As in Node, and unlike Uint8Array: a slice shares its bytes.
  method("slice", function (start, end) { return dress(typed.subarray.call(this, start, end)); });
  method("subarray", function (start, end) { return dress(typed.subarray.call(this, start, end)); });
  method("fill", function (value, start = 0, end = this.length, how = "utf8") {
    if (typeof value !== "string") return typed.fill.call(this, value, start, end);
    const bytes = encoding(how)[0](value);
    for (let i = start; i < end; i++) this[i] = bytes.length ? bytes[(i - start) % bytes.length] : 0;
    return this;
  });
  method("write", function (text, at = 0, length = this.length - at, how = "utf8") {
    if (typeof at === "string") [at, length, how] = [0, this.length, at];
    if (typeof length === "string") [length, how] = [this.length - at, length];
    const bytes = encoding(how)[0](text).slice(0, Math.min(length, this.length - at));
    this.set(bytes, at);
    return bytes.length;
  });
  method("copy", function (target, at = 0, start = 0, end = this.length) {
    const part = typed.subarray.call(this, start, Math.min(end, start + target.length - at));
    target.set(part, at);
    return part.length;
  });
  method("swap16", function () {
    for (let i = 0; i + 1 < this.length; i += 2) [this[i], this[i + 1]] = [this[i + 1], this[i]];
    return this;
  });
  const found = (search) => (search === -1 ? undefined : search);
  method("indexOf", function (value, from = 0, how = "utf8") {
    if (typeof value === "number") return typed.indexOf.call(this, value & 255, from);
    const wanted = typeof value === "string" ? encoding(how)[0](value) : value;
    for (let i = from; i + wanted.length <= this.length; i++) {
      let j = 0;
      while (j < wanted.length && this[i + j] === wanted[j]) j++;
      if (j === wanted.length) return i;
    }
    return -1;
  });
  method("includes", function (value, from, how) { return found(this.indexOf(value, from, how)) !== undefined; });

  const inside = (buffer, at, size) => {
    if (typeof at !== "number" || at % 1 !== 0) throw new TypeError("The offset must be an integer");
    if (at < 0 || at + size > buffer.length) throw new RangeError("Index out of range");
  };
  const view = (buffer, at, size) => {
    inside(buffer, at, size);
    return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  };
  const both = (name, value, alias) => { method(name, value); if (alias) method(alias, value); };

  for (const [name, size] of Object.entries({
    Int8: 1, Uint8: 1, Int16: 2, Uint16: 2, Int32: 4, Uint32: 4,
    Float32: 4, Float64: 8, BigInt64: 8, BigUint64: 8,
  })) {
    const public_ = { Float32: "Float", Float64: "Double", BigUint64: "BigUInt64" }[name] ?? name.replace("Uint", "UInt");
    const alias = public_.includes("UInt") ? public_.replace("UInt", "Uint") : undefined;
    for (const order of size === 1 ? [""] : ["LE", "BE"]) {
      both("read" + public_ + order, function (at = 0) {
        return view(this, at, size)["get" + name](at, order === "LE");
      }, alias && "read" + alias + order);
      both("write" + public_ + order, function (value, at = 0) {
        view(this, at, size)["set" + name](at, value, order === "LE");
        return at + size;
      }, alias && "write" + alias + order);
    }
  }

  const gather = (buffer, at, size, little) => {
    inside(buffer, at, size);
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + buffer[little ? at + size - 1 - i : at + i];
    return value;
  };
  const scatter = (buffer, value, at, size, little) => {
    inside(buffer, at, size);
    let rest = value < 0 ? value + 256 ** size : value;
    for (let i = 0; i < size; i++) {
      buffer[little ? at + i : at + size - 1 - i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return at + size;
  };
  for (const order of ["LE", "BE"]) {
    const little = order === "LE";
    both("readUInt" + order, function (at, size) { return gather(this, at, size, little); }, "readUint" + order);
    method("readInt" + order, function (at, size) {
      const value = gather(this, at, size, little);
      return value >= 256 ** size / 2 ? value - 256 ** size : value;
    });
    const write = function (value, at, size) { return scatter(this, value, at, size, little); };
    both("writeUInt" + order, write, "writeUint" + order);
    method("writeInt" + order, write);
  }

  const ieee754 = {
    read(bytes, at, little, mantissa, size) {
      const part = new DataView(Uint8Array.from(typed.slice.call(Uint8Array.from(bytes), at, at + size)).buffer);
      return size === 4 ? part.getFloat32(0, little) : part.getFloat64(0, little);
    },
    write(bytes, value, at, little, mantissa, size) {
      const part = new DataView(new ArrayBuffer(size));
      if (size === 4) part.setFloat32(0, value, little); else part.setFloat64(0, value, little);
      for (let i = 0; i < size; i++) bytes[at + i] = part.getUint8(i);
    },
  };
  const base64 = {
    byteLength: (text) => fromBase64(text).length,
    toByteArray: (text) => Uint8Array.from(fromBase64(text)),
    fromByteArray: (bytes) => toBase64(bytes),
  };
  const buffer = { Buffer, SlowBuffer: Buffer, kMaxLength: 0x7fffffff, INSPECT_MAX_BYTES: 50 };
  return { buffer, "base64-js": base64, ieee754 };
})();
