package io.pannier.server;

import io.pannier.server.http.Response;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which pages of other origins may call (http-api.md §1.3). */
final class Cors {
  private final List<String> origins;
  private final boolean everybody;

  Cors(List<String> origins) {
    this.origins = origins;
    everybody = origins.contains("*");
  }

  /** Adds the permission for the origin of a request, if it has one. */
  Response allow(Response response, @Nullable String origin) {
    if (everybody) {
      response.header("access-control-allow-origin", "*");
    } else if (origin != null && origins.contains(origin)) {
      response.header("access-control-allow-origin", origin);
    }
    return response;
  }

  boolean isOff() {
    return origins.isEmpty();
  }

  /**
   * The answer to {@code OPTIONS}.
   *
   * @param allow methods of the route; empty when there is none
   * @param wanted what the browser wants to send; {@code *} would not cover {@code authorization}
   */
  Response preflight(String allow, @Nullable String origin, @Nullable String wanted) {
    Response response = Response.of(200).header("access-control-allow-methods", "*");
    boolean permitted = everybody || (origin != null && origins.contains(origin));
    response.header("access-control-allow-headers", permitted && wanted != null ? wanted : "*");
    if (!allow.isEmpty()) {
      response.header("allow", allow);
    }
    return allow(response, origin);
  }
}
