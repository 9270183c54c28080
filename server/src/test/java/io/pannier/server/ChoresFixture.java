package io.pannier.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.Clock;
import io.pannier.model.SystemClock;
import io.pannier.query.Json;
import io.pannier.store.ManualClock;
import io.pannier.store.ManualScheduler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A server whose clock and own work (events, lifecycles) are turned by hand. */
abstract class ChoresFixture extends ApiFixture {
  final ManualClock clock = new ManualClock();
  ManualScheduler chores = new ManualScheduler(clock);

  @Override
  ServerConfig configure(ServerConfig usual) {
    return usual.withClock(clock).withInstance("plant.7", "0");
  }

  @Override
  Server start(ServerConfig config) {
    return Server.start(config, chores, () -> {});
  }

  /** The store runs on threads of its own, so its durations are real. */
  @Override
  Clock clock() {
    var durations = new SystemClock();
    return new Clock() {
      @Override
      public long wallMicros() {
        return clock.wallMicros();
      }

      @Override
      public long monotonicNanos() {
        return durations.monotonicNanos();
      }
    };
  }

  @Override
  void restart() throws IOException, InterruptedException {
    stopServer();
    chores = new ManualScheduler(clock);
    open();
  }

  long now() {
    return clock.wallMicros();
  }

  void passMinutes(long minutes) throws IOException {
    passMillis(TimeUnit.MINUTES.toMillis(minutes));
  }

  void passSeconds(long seconds) throws IOException {
    passMillis(TimeUnit.SECONDS.toMillis(seconds));
  }

  /** Lets time pass for the server's own work; connections do not outlive that. */
  void passMillis(long millis) throws IOException {
    chores.advanceMillis(millis);
    reconnect();
  }

  void reconnect() throws IOException {
    wire.close();
    wire = new Wire(server.port());
  }

  /** The texts of the events of an entry of {@code $system} that the condition chooses. */
  List<ObjectNode> events(String entry, String when) throws IOException {
    var found = new ArrayList<ObjectNode>();
    long id =
        query(
            "b/$system/" + entry + "/q",
            "{'query_type':'QUERY'" + (when.isEmpty() ? "" : ",'when':" + when) + "}");
    for (; ; ) {
      Wire.Answer answer = send("GET", "b/$system/" + entry + "?q=" + id);
      if (answer.status() != 200) {
        return found;
      }
      found.add(Json.object(answer.text().getBytes(StandardCharsets.UTF_8)));
    }
  }

  List<ObjectNode> events(String entry) throws IOException {
    return events(entry, "");
  }
}
