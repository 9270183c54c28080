package io.pannier.cli.client;

/** What a client command tells the shell; docs/cli.md has the table. */
public final class Exit {
  public static final int OK = 0;
  public static final int FAILED = 1;
  public static final int USAGE = 2;
  public static final int DENIED = 3;
  public static final int NOT_FOUND = 4;
  public static final int CONFLICT = 5;
  public static final int NETWORK = 6;

  /** Some of many failed. */
  public static final int PARTLY = 7;

  private Exit() {}

  /** The exit code for a status of HTTP, or a negative code of the client. */
  static int of(int status) {
    return switch (status) {
      case 401, 403 -> DENIED;
      case 404 -> NOT_FOUND;
      case 409 -> CONFLICT;
      default -> status < 0 ? NETWORK : FAILED;
    };
  }

  /** What {@code reduct-cli} calls a status. */
  static String name(int status) {
    return switch (status) {
      case 400 -> "BadRequest";
      case 401 -> "Unauthorized";
      case 403 -> "Forbidden";
      case 404 -> "NotFound";
      case 405 -> "MethodNotAllowed";
      case 409 -> "Conflict";
      case 415 -> "UnsupportedMediaType";
      case 416 -> "RangeNotSatisfiable";
      case 422 -> "UnprocessableEntity";
      case 425 -> "TooEarly";
      case 429 -> "TooManyRequests";
      case 500 -> "InternalServerError";
      case 502 -> "BadGateway";
      case 503 -> "ServiceUnavailable";
      case 504 -> "GatewayTimeout";
      case 507 -> "InsufficientStorage";
      case -2 -> "Timeout";
      case -4 -> "Unsupported";
      default -> status < 0 ? "ConnectionError" : "Status " + status;
    };
  }
}
