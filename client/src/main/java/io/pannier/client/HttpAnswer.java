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

  /** Every store says which API it speaks; portals and proxies on the way do not. */
  private boolean isOfStore() {
    return header("x-reduct-api") != null;
  }

  boolean isSuccess() {
    return status >= 200 && status < 300 && isOfStore();
  }

  /**
   * The error that it tells of. What would settle the matter, had a store said it, is a bad gateway
   * when somebody else did: a portal that answers every request with a page has stored nothing.
   */
  ClientException.Refused refusal() {
    if (!isOfStore() && (status < 300 || status == 409 || status == 422)) {
      return new ClientException.Refused(
          502, "HTTP status " + status + " from something that is not a store", retryAfter());
    }
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
