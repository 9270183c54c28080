package io.pannier.store;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Makes malformed inputs of well-formed ones: a few random changes each, of the kinds that readers
 * get wrong. The same seed makes the same inputs.
 */
public final class Mutations {
  private static final long[] NUMBERS = {
    0,
    1,
    -1,
    2,
    7,
    8,
    16,
    63,
    64,
    100,
    127,
    128,
    255,
    256,
    1000,
    4096,
    32767,
    32768,
    65535,
    65536,
    1 << 20,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    1L << 32,
    Long.MAX_VALUE,
    Long.MIN_VALUE
  };

  private final SplittableRandom random;
  private final List<byte[]> words;

  /**
   * @param words what is put in now and then
   */
  public Mutations(long seed, List<byte[]> words) {
    this.random = new SplittableRandom(seed);
    this.words = List.copyOf(words);
  }

  /** Words of ASCII. */
  public static List<byte[]> words(String... texts) {
    return java.util.Arrays.stream(texts)
        .map(text -> text.getBytes(StandardCharsets.ISO_8859_1))
        .toList();
  }

  /** A number from 0 to one less than this. */
  public int next(int bound) {
    return random.nextInt(bound);
  }

  /** One of these. */
  public <T> T oneOf(List<T> things) {
    return things.get(random.nextInt(things.size()));
  }

  /** The same with one to eight changes. */
  public byte[] mutate(byte[] input) {
    byte[] bytes = input;
    for (int left = 1 + random.nextInt(8); left > 0; left--) {
      bytes = change(bytes);
    }
    return bytes;
  }

  private byte[] change(byte[] bytes) {
    if (bytes.length == 0) {
      return word();
    }
    int at = random.nextInt(bytes.length);
    return switch (random.nextInt(10)) {
      case 0 -> with(bytes, at, (byte) (bytes[at] ^ 1 << random.nextInt(8)));
      case 1 -> with(bytes, at, (byte) random.nextInt(256));
      case 2 -> replaced(bytes, at, Math.min(bytes.length, at + length()), new byte[0]);
      case 3 -> replaced(bytes, at, at, part(bytes));
      case 4 -> replaced(bytes, at, at, word());
      case 5 -> replaced(bytes, at, Math.min(bytes.length, at + length()), word());
      case 6 -> withNumber(bytes, at);
      case 7 -> withDigits(bytes, at);
      case 8 -> random.nextInt(4) == 0 ? java.util.Arrays.copyOf(bytes, at) : bytes;
      default -> {
        byte[] noise = new byte[length()];
        random.nextBytes(noise);
        yield replaced(bytes, at, at, noise);
      }
    };
  }

  private int length() {
    return 1 << random.nextInt(random.nextInt(8) == 0 ? 10 : 5);
  }

  private byte[] word() {
    return words.isEmpty() ? new byte[length()] : oneOf(words);
  }

  private byte[] part(byte[] bytes) {
    int from = random.nextInt(bytes.length);
    return java.util.Arrays.copyOfRange(bytes, from, Math.min(bytes.length, from + length()));
  }

  private static byte[] with(byte[] bytes, int at, byte value) {
    byte[] changed = bytes.clone();
    changed[at] = value;
    return changed;
  }

  /** A binary number in the place of what is there. */
  private byte[] withNumber(byte[] bytes, int at) {
    byte[] changed = bytes.clone();
    int width = 1 << random.nextInt(4);
    int aligned = random.nextBoolean() ? at & -width : at;
    if (aligned + width > changed.length) {
      return changed;
    }
    long number = NUMBERS[random.nextInt(NUMBERS.length)];
    ByteBuffer buffer =
        ByteBuffer.wrap(changed)
            .order(random.nextBoolean() ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    switch (width) {
      case 1 -> buffer.put(aligned, (byte) number);
      case 2 -> buffer.putShort(aligned, (short) number);
      case 4 -> buffer.putInt(aligned, (int) number);
      default -> buffer.putLong(aligned, number);
    }
    return changed;
  }

  /** Another decimal number in the place of the next one. */
  private byte[] withDigits(byte[] bytes, int at) {
    int from = at;
    while (from < bytes.length && !isDigit(bytes[from])) {
      from++;
    }
    int to = from;
    while (to < bytes.length && isDigit(bytes[to])) {
      to++;
    }
    long number = NUMBERS[random.nextInt(NUMBERS.length)];
    String text = random.nextBoolean() ? Long.toUnsignedString(number) : Long.toString(number);
    return replaced(bytes, from, to, text.getBytes(StandardCharsets.US_ASCII));
  }

  private static boolean isDigit(byte b) {
    return b >= '0' && b <= '9';
  }

  private static byte[] replaced(byte[] bytes, int from, int to, byte[] by) {
    var out = new ByteArrayOutputStream(bytes.length + by.length);
    out.write(bytes, 0, from);
    out.writeBytes(by);
    out.write(bytes, to, bytes.length - to);
    return out.toByteArray();
  }
}
