package io.pannier.server.http;

import io.pannier.model.Refusal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Status, header fields in the order they were added, and a body. Built by one thread, handed over
 * once to {@link Exchange#respond}, not touched after that.
 *
 * <p>The transport adds {@code server}, {@code x-reduct-api}, {@code vary}, {@code
 * access-control-expose-headers}, {@code x-request-id}, {@code date}, {@code content-length} and,
 * if need be, {@code connection} by itself.
 */
public final class Response {
  private static final byte[] NO_BYTES = {};

  private final int status;
  private String[] fields;
  private int fieldsUsed;
  private byte[] bytes = NO_BYTES;
  private @Nullable ByteBuffer buffer;
  private @Nullable Runnable release;
  private long contentLength = -1;
  private boolean closing;
  private @Nullable Throwable cause;
  private @Nullable Refusal refusal;

  private Response(int status) {
    if (status < 200 || status > 599) {
      throw new IllegalArgumentException("no final status: " + status);
    }
    this.status = status;
    this.fields = new String[8];
  }

  /** An empty response. */
  public static Response of(int status) {
    return new Response(status);
  }

  /** A response with a JSON text. */
  public static Response json(int status, byte[] body) {
    return new Response(status).header("content-type", "application/json").body(body);
  }

  /**
   * An error as all clients know it: the message in {@code x-reduct-error} and, with double quotes
   * made single, in a JSON body. Status 204 goes without the body.
   */
  public static Response error(int status, String message) {
    var response =
        new Response(status)
            .header("content-type", "application/json")
            .header("x-reduct-error", printable(message));
    return status == 204 ? response : response.body(errorBody(message));
  }

  /** {@link #error(int, String)} with {@code retry-after}. */
  public static Response retryLater(int status, String message, int seconds) {
    return error(status, message).header("retry-after", Integer.toString(seconds));
  }

  /**
   * Adds a field.
   *
   * @param name in lower case; characters that a name must not have become {@code _}
   * @param value text, sent as UTF-8; control characters become spaces
   */
  public Response header(String name, String value) {
    if (fieldsUsed == fields.length) {
      fields = Arrays.copyOf(fields, fieldsUsed * 2);
    }
    fields[fieldsUsed++] = name;
    fields[fieldsUsed++] = value;
    return this;
  }

  /** Adds a field whose value is given as one character per byte of UTF-8. */
  public Response rawHeader(String name, String value) {
    return header(name, HeaderValues.text(value));
  }

  /** Sets the body. The array is not copied. */
  public Response body(byte[] body) {
    bytes = body;
    buffer = null;
    return this;
  }

  /**
   * Sets the body to the bytes between position and limit, which must stay untouched until {@code
   * release} runs: exactly once, on any thread, whether the bytes were sent or not.
   */
  public Response body(ByteBuffer body, Runnable release) {
    buffer = body.slice();
    this.release = release;
    bytes = NO_BYTES;
    return this;
  }

  /**
   * Sets the length to announce: for answers to {@code HEAD}, and for {@link
   * Exchange#startResponse}. Otherwise it follows from the body.
   */
  public Response contentLength(long length) {
    contentLength = length;
    return this;
  }

  /** Ends the connection after this response. */
  public Response close() {
    closing = true;
    return this;
  }

  /** Notes what went wrong, for the log. */
  public Response because(Throwable failure) {
    cause = failure;
    return this;
  }

  /** Notes why the request is refused for now, for statistics. */
  public Response refusing(Refusal reason) {
    refusal = reason;
    return this;
  }

  /** What went wrong, or null. */
  @Nullable Throwable cause() {
    return cause;
  }

  /** Why the request is refused for now, or null if it is not. */
  @Nullable Refusal refusal() {
    return refusal;
  }

  public int status() {
    return status;
  }

  public int headerCount() {
    return fieldsUsed / 2;
  }

  public String headerName(int index) {
    return fields[2 * index];
  }

  public String headerValue(int index) {
    return fields[2 * index + 1];
  }

  /** The first value of a field, or null. */
  public @Nullable String header(String name) {
    for (int i = 0; i < fieldsUsed; i += 2) {
      if (fields[i].equals(name)) {
        return fields[i + 1];
      }
    }
    return null;
  }

  /** The length to announce, or -1 if it follows from the body. */
  public long contentLength() {
    return contentLength;
  }

  /** The body; a view of its own each time. */
  public ByteBuffer body() {
    return buffer == null ? ByteBuffer.wrap(bytes) : buffer.duplicate();
  }

  boolean isClosing() {
    return closing;
  }

  int bodyBytes() {
    return buffer == null ? bytes.length : buffer.remaining();
  }

  /** The body as an array, or null when it is a buffer. */
  byte @Nullable [] bodyArray() {
    return buffer == null ? bytes : null;
  }

  /** Runs the release callback, if there is one and it has not run. */
  void released() {
    var action = release;
    release = null;
    if (action != null) {
      action.run();
    }
  }

  @Override
  public String toString() {
    return "Response[" + status + ", " + bodyBytes() + " bytes]";
  }

  private static byte[] errorBody(String message) {
    var out = new StringBuilder(message.length() + 16).append("{\"detail\": \"");
    for (int i = 0; i < message.length(); i++) {
      char c = message.charAt(i);
      switch (c) {
        case '"' -> out.append('\'');
        case '\\' -> out.append("\\\\");
        default -> out.append(c < ' ' || c == 0x7f ? ' ' : c);
      }
    }
    return out.append("\"}").toString().getBytes(StandardCharsets.UTF_8);
  }

  private static String printable(String message) {
    for (int i = 0; i < message.length(); i++) {
      char c = message.charAt(i);
      if (c < ' ' || c >= 0x7f) {
        var out = new StringBuilder(message);
        for (int j = i; j < out.length(); j++) {
          char d = out.charAt(j);
          if (d < ' ' || d >= 0x7f) {
            out.setCharAt(j, d < 0x80 ? ' ' : '?');
          }
        }
        return out.toString();
      }
    }
    return message;
  }
}
