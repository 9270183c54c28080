package io.pannier.extract.table;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.CharConversionException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/**
 * Objects of a JSON text, one after the other: a single one, several with white space between them,
 * or lists of them. Numbers keep all their digits. For one thread.
 */
public final class JsonRows {
  /** Longest object in bytes. */
  public static final int ROW_BYTES_MAX = 8 << 20;

  static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();

  private final Bounded bounded;
  private @Nullable JsonParser parser;
  private boolean inList;
  private long row;

  public JsonRows(InputStream source) {
    bounded = new Bounded(source);
  }

  /** An object without members. */
  public static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  /** A value as JSON. */
  public static String text(JsonNode value) {
    try {
      return MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A value as JSON, in UTF-8. */
  public static byte[] bytes(JsonNode value) {
    try {
      return MAPPER.writeValueAsBytes(value);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The next object, or null at the end.
   *
   * @throws ContentException when the text is no JSON, or holds anything but objects
   */
  public @Nullable JsonNode next() throws ContentException {
    try {
      bounded.allow(ROW_BYTES_MAX);
      JsonParser open = parser;
      if (open == null) {
        open = MAPPER.createParser(bounded);
        parser = open;
      }
      while (true) {
        JsonToken token = open.nextToken();
        if (token == null) {
          return null;
        }
        switch (token) {
          case START_OBJECT -> {
            row++;
            return MAPPER.readTree(open);
          }
          case START_ARRAY -> {
            if (inList) {
              throw new ContentException("row " + (row + 1) + " is no object");
            }
            inList = true;
          }
          case END_ARRAY -> inList = false;
          default -> throw new ContentException("row " + (row + 1) + " is no object");
        }
      }
    } catch (JsonProcessingException e) {
      var where = e.getLocation();
      throw new ContentException(
          e.getOriginalMessage()
              + (where == null
                  ? ""
                  : " at line " + where.getLineNr() + ", column " + where.getColumnNr()));
    } catch (CharConversionException e) {
      throw new ContentException("the text is not UTF-8");
    } catch (TooLong e) {
      throw new ContentException(
          "row " + (row + 1) + " is longer than " + ROW_BYTES_MAX + " bytes");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static final class TooLong extends IOException {
    private static final long serialVersionUID = 1L;
  }

  /** A stream that gives no more than was allowed, and what the parser reads ahead. */
  private static final class Bounded extends InputStream {
    private final InputStream source;
    private long left;

    Bounded(InputStream source) {
      this.source = source;
    }

    void allow(long bytes) {
      left = bytes;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] target, int from, int length) throws IOException {
      if (left <= 0) {
        throw new TooLong();
      }
      int count = source.read(target, from, length);
      left -= Math.max(0, count);
      return count;
    }
  }
}
