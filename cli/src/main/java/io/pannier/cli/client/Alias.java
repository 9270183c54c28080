package io.pannier.cli.client;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An instance under a short name.
 *
 * @param url with a slash at its end
 * @param token empty: none
 * @param timeout seconds
 * @param parallel entries at a time
 * @param caCert more authorities
 */
record Alias(
    String url,
    String token,
    boolean ignoreSsl,
    int timeout,
    int parallel,
    Optional<String> caCert) {
  static final int TIMEOUT = 30;
  static final int PARALLEL = 10;

  /** An instance without an alias. */
  static Alias of(String url, String token) {
    return new Alias(url, token, false, TIMEOUT, PARALLEL, Optional.empty());
  }

  /** As JSON. */
  Map<String, @Nullable Object> json(boolean showToken) {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("url", url);
    json.put("token", showToken || token.isEmpty() ? token : "***");
    json.put("ignore_ssl", ignoreSsl);
    json.put("timeout", timeout);
    json.put("parallel", parallel);
    json.put("ca_cert", caCert.orElse(null));
    return json;
  }

  /** Without the token: texts end up in logs. */
  @Override
  public String toString() {
    return "Alias[" + url + "]";
  }
}
