package io.pannier.server.http;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Between bytes and text in header values. */
final class HeaderValues {
  private HeaderValues() {}

  /**
   * Text of a value given as one character per byte: decoded as UTF-8 if it is that, otherwise
   * unchanged, which is ISO 8859-1.
   */
  static String text(String raw) {
    for (int i = 0; i < raw.length(); i++) {
      if (raw.charAt(i) >= 0x80) {
        return decode(raw);
      }
    }
    return raw;
  }

  private static String decode(String raw) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(raw.getBytes(StandardCharsets.ISO_8859_1)))
          .toString();
    } catch (CharacterCodingException e) {
      return raw;
    }
  }
}
