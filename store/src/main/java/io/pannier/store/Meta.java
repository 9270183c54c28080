package io.pannier.store;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * What a frame says about its record besides time and body: labels, content type, and items of
 * later versions, which are kept as they are.
 *
 * @param contentType never empty
 * @param unknown whole items (type, length, content) of all other types: the origin, and what later
 *     versions have
 */
record Meta(String contentType, Labels labels, List<byte[]> unknown) {
  static final String DEFAULT_CONTENT_TYPE = "application/octet-stream";
  private static final int LABELS = 1;
  private static final int CONTENT_TYPE = 2;
  private static final int ORIGIN = 3;

  /**
   * Bytes of the item that names an origin: type, length, id of a store, a number of its record.
   */
  static final int ORIGIN_BYTES = 6 + 24;

  private static final byte[] NONE = {};

  static Meta of(String contentType, Labels labels) {
    return new Meta(contentType.isEmpty() ? DEFAULT_CONTENT_TYPE : contentType, labels, List.of());
  }

  Meta withLabels(Labels changed) {
    return new Meta(contentType, changed, unknown);
  }

  byte[] encode() {
    return unknown.isEmpty() ? encode(contentType, labels) : encodeAll();
  }

  /** The bytes of a meta section with the store that the record, or the change, was copied from. */
  static byte[] encode(String contentType, Labels labels, Optional<UUID> origin) {
    byte[] known = encode(contentType, labels);
    if (origin.isEmpty()) {
      return known;
    }
    var out =
        ByteBuffer.allocate(known.length + ORIGIN_BYTES).order(ByteOrder.LITTLE_ENDIAN).put(known);
    int at = out.position();
    out.putShort(at, (short) ORIGIN).putInt(at + 2, ORIGIN_BYTES - 6);
    FileHeader.putUuid(out, at + 6, origin.get());
    return out.array();
  }

  /** The store that it was copied from. */
  Optional<UUID> origin() {
    for (byte[] item : unknown) {
      ByteBuffer bytes = ByteBuffer.wrap(item).order(ByteOrder.LITTLE_ENDIAN);
      if (bytes.getShort(0) == ORIGIN && item.length == ORIGIN_BYTES) {
        return Optional.of(FileHeader.getUuid(bytes, 6));
      }
    }
    return Optional.empty();
  }

  /** The bytes of a meta section; an empty array for the default content type without labels. */
  static byte[] encode(String contentType, Labels labels) {
    boolean typed = !contentType.equals(DEFAULT_CONTENT_TYPE) && !contentType.isEmpty();
    if (!typed && labels.isEmpty()) {
      return NONE;
    }
    byte[] type = typed ? contentType.getBytes(StandardCharsets.UTF_8) : NONE;
    int count = labels.size();
    var texts = new byte[2 * count][];
    int labelBytes = 4;
    for (int i = 0; i < count; i++) {
      texts[2 * i] = labels.name(i).getBytes(StandardCharsets.UTF_8);
      texts[2 * i + 1] = labels.value(i).getBytes(StandardCharsets.UTF_8);
      labelBytes += 8 + texts[2 * i].length + texts[2 * i + 1].length;
    }
    var out =
        ByteBuffer.allocate((count > 0 ? 6 + labelBytes : 0) + (typed ? 6 + type.length : 0))
            .order(ByteOrder.LITTLE_ENDIAN);
    if (count > 0) {
      out.putShort((short) LABELS).putInt(labelBytes).putInt(count);
      for (byte[] text : texts) {
        out.putInt(text.length).put(text);
      }
    }
    if (typed) {
      out.putShort((short) CONTENT_TYPE).putInt(type.length).put(type);
    }
    return out.array();
  }

  private byte[] encodeAll() {
    byte[] known = encode(contentType, labels);
    int length = known.length;
    for (byte[] item : unknown) {
      length += item.length;
    }
    var all = Arrays.copyOf(known, length);
    int at = known.length;
    for (byte[] item : unknown) {
      System.arraycopy(item, 0, all, at, item.length);
      at += item.length;
    }
    return all;
  }

  /** Reads {@code length} bytes from {@code at} of a little-endian buffer. */
  static Meta decode(ByteBuffer in, int at, int length) {
    var labels = Labels.EMPTY;
    String contentType = DEFAULT_CONTENT_TYPE;
    List<byte[]> unknown = List.of();
    int end = at + length;
    while (at < end) {
      need(end - at >= 6);
      int type = in.getShort(at);
      int itemLength = in.getInt(at + 2);
      need(itemLength >= 0 && itemLength <= end - at - 6);
      int content = at + 6;
      if (type == LABELS) {
        labels = decodeLabels(in, content, itemLength);
      } else if (type == CONTENT_TYPE) {
        contentType = text(in, content, itemLength);
      } else {
        if (unknown.isEmpty()) {
          unknown = new ArrayList<>();
        }
        var item = new byte[6 + itemLength];
        in.get(at, item);
        unknown.add(item);
      }
      at = content + itemLength;
    }
    return new Meta(contentType, labels, unknown);
  }

  private static Labels decodeLabels(ByteBuffer in, int at, int length) {
    int end = at + length;
    need(length >= 4);
    int count = in.getInt(at);
    at += 4;
    need(count >= 0 && count <= length / 8);
    var texts = new String[2 * count];
    for (int i = 0; i < texts.length; i++) {
      need(end - at >= 4);
      int bytes = in.getInt(at);
      need(bytes >= 0 && bytes <= end - at - 4);
      texts[i] = text(in, at + 4, bytes);
      at += 4 + bytes;
    }
    return Labels.of(texts);
  }

  private static String text(ByteBuffer in, int at, int length) {
    var bytes = new byte[length];
    in.get(at, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static void need(boolean condition) {
    if (!condition) {
      throw new PannierException.Damaged("meta section does not parse");
    }
  }
}
