package io.pannier.server;

import io.pannier.model.Ack;
import io.pannier.model.PannierException;
import io.pannier.server.http.Exchange;
import io.pannier.server.http.Response;
import io.pannier.store.Bucket;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Holds an answer back until what it promises is true. Request, bucket and server say in this order
 * what is wanted; the answer says what was reached.
 */
final class Acks {
  private static final String HEADER = "x-pannier-ack";
  private final Context context;

  Acks(Context context) {
    this.context = context;
  }

  /** What the request asks for, or null. */
  @Nullable Ack wanted(Exchange exchange) {
    String text = exchange.header(HEADER);
    if (text == null) {
      return null;
    }
    return switch (text) {
      case "buffered" -> Ack.BUFFERED;
      case "disk" -> Ack.DISK;
      case "remote" -> {
        requireRemote("x-pannier-ack header");
        yield Ack.REMOTE;
      }
      default ->
          throw new PannierException.Invalid(
              "x-pannier-ack header must be 'buffered', 'disk' or 'remote'");
    };
  }

  /** Refuses what this server cannot promise. */
  private void requireRemote(String what) {
    if (!context.store().isRemote()) {
      throw new PannierException.Invalid(
          what + " cannot be 'remote': this server has no object store");
    }
  }

  /** Answers when everything stored before this call is as safe as it was wanted to be. */
  void respond(Call call, Bucket bucket, @Nullable Ack wanted, Response response) {
    Ack level = wanted;
    if (level == null) {
      level = bucket.settings().ack();
    }
    if (level == null) {
      level = context.store().ack();
    }
    switch (level) {
      case BUFFERED -> call.respond(response.header(HEADER, "buffered"));
      case DISK -> context.store().whenDurable(error -> respond(call, error, response, "disk"));
      case REMOTE -> {
        // A store that was in an object store once may have buckets that ask for it.
        if (context.store().isRemote()) {
          context.store().whenRemote(error -> respond(call, error, response, "remote"));
        } else {
          context.store().whenDurable(error -> respond(call, error, response, "disk"));
        }
      }
    }
  }

  private static void respond(
      Call call, Optional<PannierException> error, Response response, String reached) {
    if (error.isPresent()) {
      call.fail(error.get());
    } else {
      call.respond(response.header(HEADER, reached));
    }
  }
}
