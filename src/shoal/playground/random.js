/**
 * NumPy's legacy stream, `numpy.random.RandomState(seed)`: the Mersenne twister MT19937 and the
 * polar form of the normal distribution, so that a seed here is the same start as in Python.
 */

const N = 624;
const M = 397;

export class RandomState {
  /** @param {number} seed an integer from 0 to 2³² - 1 */
  constructor(seed) {
    const key = new Uint32Array(N);
    key[0] = seed;
    for (let k = 1; k < N; k++) {
      const last = key[k - 1] ^ (key[k - 1] >>> 30);
      key[k] = Math.imul(1812433253, last) + k;
    }
    this.key = key;
    this.position = N;
    /** @type {number | null} the second of a pair of normal numbers, kept for the next call */
    this.kept = null;
  }

  /** Makes the next 624 words. */
  twist() {
    const { key } = this;
    for (let k = 0; k < N; k++) {
      const y = (key[k] & 0x80000000) | (key[(k + 1) % N] & 0x7fffffff);
      key[k] = key[(k + M) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.position = 0;
  }

  /** 32 random bits. */
  word() {
    if (this.position === N) this.twist();
    let y = this.key[this.position++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  /** One number uniform in [0, 1), of 53 random bits. */
  uniform() {
    const high = this.word() >>> 5;
    const low = this.word() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** One number from the standard normal distribution. */
  normal() {
    if (this.kept !== null) {
      const kept = this.kept;
      this.kept = null;
      return kept;
    }
    let x, y, square;
    do {
      x = 2 * this.uniform() - 1;
      y = 2 * this.uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const factor = Math.sqrt((-2 * Math.log(square)) / square);
    this.kept = factor * x;
    return factor * y;
  }

  /** `rand(n)` @param {number} n */
  rand(n) {
    return Float64Array.from({ length: n }, () => this.uniform());
  }

  /** `randn(n)` @param {number} n */
  randn(n) {
    return Float64Array.from({ length: n }, () => this.normal());
  }
}
