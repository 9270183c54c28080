package io.pannier.client;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An answer that was read to its end; what we ask for is said in headers, so bodies are passed
 * over.
 *
 * @param headers by name in lower case, those of one name in their order
 */
record HttpAnswer(int status, Map<String, List<String>> headers) {
  /** The first header of this name. */
  @Nullable String header(String name) {
    List<String> values = headers.get(name);
    return values == null ? null : values.getFirst();
  }

  boolean isSuccess() {
    return status >= 200 && status < 300;
  }

  /** The error that it tells of. */
  ClientException.Refused refusal() {
    String message = header("x-reduct-error");
    String location = header("location");
    String text =
        message != null
            ? message
            : location != null ? "Moved to " + location : "HTTP status " + status;
    return new ClientException.Refused(status, text, retryAfter());
  }

  private int retryAfter() {
    String text = header("retry-after");
    try {
      return text == null ? 0 : Math.clamp(Long.parseLong(text.strip()), 0, 3600);
    } catch (NumberFormatException aDate) {
      return 0;
    }
  }
}
