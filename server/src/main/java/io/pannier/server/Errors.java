package io.pannier.server;

import io.pannier.model.PannierException;
import io.pannier.server.http.Response;

/** The one place where an error becomes a status. */
final class Errors {
  private Errors() {}

  /** Status of a failure of any kind. */
  static int status(Throwable failure) {
    return failure instanceof PannierException error ? status(error) : 500;
  }

  /** Status of an error. */
  static int status(PannierException error) {
    return switch (error) {
      case PannierException.BadRequest _ -> 400;
      case PannierException.Unauthorized _ -> 401;
      case PannierException.Forbidden _ -> 403;
      case PannierException.NotFound _ -> 404;
      case PannierException.Conflict _ -> 409;
      case PannierException.Invalid _ -> 422;
      case PannierException.TooEarly _ -> 425;
      case PannierException.TooMany _ -> 429;
      // The reference's status: its clients know no other for it.
      case PannierException.OverCap _ -> 500;
      case PannierException.Damaged _ -> 500;
      case PannierException.Internal _ -> 500;
      case PannierException.Unavailable _ -> 503;
      case PannierException.DiskFull _ -> 507;
    };
  }

  /**
   * The response to a failure. What is not an error of ours tells the client nothing about itself.
   */
  static Response response(Throwable failure) {
    if (!(failure instanceof PannierException error)) {
      return Response.error(500, "Internal server error");
    }
    String message = message(error);
    return switch (error) {
      case PannierException.TooMany e ->
          Response.retryLater(429, message, e.retryAfterSeconds()).refusing(e.reason());
      case PannierException.Unavailable e ->
          Response.retryLater(503, message, e.retryAfterSeconds()).refusing(e.reason());
      case PannierException e -> Response.error(status(e), message).because(e);
    };
  }

  /** Value of the header that tells the error of one record of a batch. */
  static String ofRecord(PannierException error) {
    return status(error) + "," + HeaderText.message(message(error));
  }

  static String message(PannierException error) {
    String message = error.getMessage();
    return message == null ? "Internal server error" : message;
  }
}
