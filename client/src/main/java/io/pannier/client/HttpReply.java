package io.pannier.client;

import java.util.List;
import java.util.Map;

/**
 * An answer whose body is still to be read.
 *
 * @param headers by name in lower case, those of one name in their order
 */
record HttpReply(int status, Map<String, List<String>> headers, ReplyBody body) {
  /** The head alone. */
  HttpAnswer head() {
    return new HttpAnswer(status, headers);
  }
}
