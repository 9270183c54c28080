package io.pannier.server.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.util.AsciiString;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The header fields of one request as two arrays in the order sent, names in lower case. Takes the
 * place of Netty's hash table under its decoder: what the decoder does not use is not supported.
 * Checks names and values, because a name with a blank in it or a value with a bare CR is how
 * requests are smuggled.
 */
final class RequestHead extends HttpHeaders {
  /** Names that are not made anew for every request. */
  private static final String[] COMMON = {
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "if-none-match",
    "origin",
    "range",
    "referer",
    "te",
    "transfer-encoding",
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-reduct-api",
    "x-reduct-content-length",
    "x-reduct-entries",
    "x-reduct-labels",
    "x-reduct-query-id",
    "x-reduct-start-ts",
    RequestIds.HEADER,
  };

  private static final int TABLE_MASK = 127;
  private static final AsciiString[] TABLE_KEYS = new AsciiString[TABLE_MASK + 1];
  private static final String[] TABLE_NAMES = new String[TABLE_MASK + 1];
  private static final boolean[] TOKEN = new boolean[128];

  static {
    for (String name : COMMON) {
      var key = new AsciiString(name);
      int slot = slot(key);
      while (TABLE_KEYS[slot] != null) {
        slot = slot + 1 & TABLE_MASK;
      }
      TABLE_KEYS[slot] = key;
      TABLE_NAMES[slot] = name;
    }
    for (char c = '!'; c < 0x7f; c++) {
      TOKEN[c] = Character.isLetterOrDigit(c) || "!#$%&'*+-.^_`|~".indexOf(c) >= 0;
    }
  }

  private final int maxFields;
  private String[] names = new String[12];
  private String[] values = new String[12];
  private int count;
  private int bytes;
  private @Nullable String requestId;

  RequestHead(int maxFields) {
    this.maxFields = maxFields;
  }

  /** Bytes of the fields so far. */
  int bytes() {
    return bytes;
  }

  /** What the client calls the request, or null: noted while the head is read. */
  @Nullable String requestId() {
    return requestId;
  }

  String name(int index) {
    return names[index];
  }

  String value(int index) {
    return values[index];
  }

  @Nullable String first(String lowerCaseName) {
    int index = indexOf(lowerCaseName, 0);
    return index < 0 ? null : values[index];
  }

  private int indexOf(String lowerCaseName, int from) {
    for (int i = from; i < count; i++) {
      if (names[i].equals(lowerCaseName)) {
        return i;
      }
    }
    return -1;
  }

  /** Whether a field that is a list has the item, in any case, in any of its lines. */
  boolean lists(String lowerCaseName, String item) {
    for (int i = indexOf(lowerCaseName, 0); i >= 0; i = indexOf(lowerCaseName, i + 1)) {
      String value = values[i];
      if (value.equalsIgnoreCase(item)) {
        return true;
      }
      for (int start = 0; start <= value.length(); ) {
        int comma = value.indexOf(',', start);
        int end = comma < 0 ? value.length() : comma;
        if (value.substring(start, end).trim().equalsIgnoreCase(item)) {
          return true;
        }
        start = end + 1;
      }
    }
    return false;
  }

  @Override
  public HttpHeaders add(CharSequence name, Object value) {
    String text = (String) value;
    if (count == maxFields) {
      throw new TooLongHttpHeaderException("more than " + maxFields + " header fields");
    }
    if (count == names.length) {
      names = Arrays.copyOf(names, count * 2);
      values = Arrays.copyOf(values, count * 2);
    }
    String field = lowerCase((AsciiString) name);
    names[count] = field;
    values[count++] = checked(text);
    if (requestId == null && field.equals(RequestIds.HEADER)) {
      requestId = text;
    }
    bytes += name.length() + text.length();
    return this;
  }

  private static int slot(AsciiString name) {
    int hash = name.hashCode();
    return (hash ^ hash >>> 16) & TABLE_MASK;
  }

  private static String lowerCase(AsciiString name) {
    for (int slot = slot(name); TABLE_KEYS[slot] != null; slot = slot + 1 & TABLE_MASK) {
      if (TABLE_KEYS[slot].contentEqualsIgnoreCase(name)) {
        return TABLE_NAMES[slot];
      }
    }
    int length = name.length();
    if (length == 0) {
      throw new IllegalArgumentException("empty header name");
    }
    for (int i = 0; i < length; i++) {
      byte b = name.byteAt(i);
      if (b < 0 || !TOKEN[b]) {
        throw new IllegalArgumentException("illegal character in header name");
      }
    }
    return name.toLowerCase().toString();
  }

  private static String checked(String value) {
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if ((c < ' ' && c != '\t') || c == 0x7f) {
        throw new IllegalArgumentException("illegal character in header value");
      }
    }
    return value;
  }

  @Override
  public int size() {
    return count;
  }

  @Override
  public boolean isEmpty() {
    return count == 0;
  }

  @Override
  public @Nullable String get(String name) {
    return first(lowerCase(new AsciiString(name)));
  }

  @Override
  public List<String> getAll(CharSequence name) {
    int index = indexOf(known(name), 0);
    if (index < 0) {
      return List.of();
    }
    var all = new ArrayList<String>(1);
    for (; index >= 0; index = indexOf(names[index], index + 1)) {
      all.add(values[index]);
    }
    return all;
  }

  @Override
  public List<String> getAll(String name) {
    return getAll((CharSequence) name);
  }

  @Override
  public boolean contains(CharSequence name) {
    return indexOf(known(name), 0) >= 0;
  }

  @Override
  public boolean contains(String name) {
    return contains((CharSequence) name);
  }

  @Override
  public boolean containsValue(CharSequence name, CharSequence value, boolean ignoreCase) {
    return contains(name) && lists(known(name), value.toString());
  }

  /**
   * The name that Netty's decoder asks for, without making a string of it. It asks for three; a
   * fourth, of a long dead web socket draft that gave a body of 8 bytes to a request without
   * length, is not known here on purpose.
   */
  private static String known(CharSequence name) {
    if (HttpHeaderNames.CONTENT_LENGTH.contentEquals(name)) {
      return "content-length";
    }
    if (HttpHeaderNames.TRANSFER_ENCODING.contentEquals(name)) {
      return "transfer-encoding";
    }
    String text = name.toString();
    return text.startsWith("sec-websocket-key") ? "" : text;
  }

  /** The decoder writes a content length back when its spelling was odd, as in {@code 007}. */
  @Override
  public HttpHeaders set(CharSequence name, Object value) {
    int index = indexOf(known(name), 0);
    if (index < 0) {
      throw new UnsupportedOperationException("set " + name);
    }
    values[index] = value.toString();
    return this;
  }

  @Override
  public HttpHeaders set(String name, Object value) {
    return set((CharSequence) name, value);
  }

  @Override
  public HttpHeaders add(String name, Object value) {
    throw new UnsupportedOperationException();
  }

  @Override
  public @Nullable Integer getInt(CharSequence name) {
    throw new UnsupportedOperationException();
  }

  @Override
  public int getInt(CharSequence name, int defaultValue) {
    throw new UnsupportedOperationException();
  }

  @Override
  public @Nullable Short getShort(CharSequence name) {
    throw new UnsupportedOperationException();
  }

  @Override
  public short getShort(CharSequence name, short defaultValue) {
    throw new UnsupportedOperationException();
  }

  @Override
  public @Nullable Long getTimeMillis(CharSequence name) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long getTimeMillis(CharSequence name, long defaultValue) {
    throw new UnsupportedOperationException();
  }

  @Override
  public List<Map.Entry<String, String>> entries() {
    throw new UnsupportedOperationException();
  }

  @Override
  @SuppressWarnings("deprecation")
  public Iterator<Map.Entry<String, String>> iterator() {
    throw new UnsupportedOperationException();
  }

  @Override
  public Iterator<Map.Entry<CharSequence, CharSequence>> iteratorCharSequence() {
    throw new UnsupportedOperationException();
  }

  @Override
  public Set<String> names() {
    throw new UnsupportedOperationException();
  }

  @Override
  public HttpHeaders add(String name, Iterable<?> values) {
    throw new UnsupportedOperationException();
  }

  @Override
  public HttpHeaders addInt(CharSequence name, int value) {
    throw new UnsupportedOperationException();
  }

  @Override
  public HttpHeaders addShort(CharSequence name, short value) {
    throw new UnsupportedOperationException();
  }

  @Override
  public HttpHeaders set(String name, Iterable<?> values) {
    throw new UnsupportedOperationException();
  }

  @Override
  public HttpHeaders setInt(CharSequence name, int value) {
    throw new UnsupportedOperationException();
  }

  @Override
  public HttpHeaders setShort(CharSequence name, short value) {
    throw new UnsupportedOperationException();
  }

  @Override
  public HttpHeaders remove(String name) {
    throw new UnsupportedOperationException();
  }

  @Override
  public HttpHeaders clear() {
    throw new UnsupportedOperationException();
  }
}
