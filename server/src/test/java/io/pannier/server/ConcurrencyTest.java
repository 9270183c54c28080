package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Many connections at once. */
class ConcurrencyTest extends ApiFixture {
  @Test
  void writersOfOneEntryDoNotDisturbEachOther() throws Exception {
    int connections = 8;
    int each = 60;
    var done = new ArrayList<CompletableFuture<Void>>();
    for (int c = 0; c < connections; c++) {
      int connection = c;
      done.add(
          CompletableFuture.runAsync(() -> {
            var random = new Random(connection);
            try (var own = new Wire(server.port())) {
              for (int i = 0; i < each; i++) {
                int ts = i * connections + connection;
                int size =
                    random.nextInt(10) == 0
                        ? 100_000 + random.nextInt(1_200_000)
                        : random.nextInt(3000);
                var answer =
                    own.send(request("POST", "b/" + bucket + "/e?ts=" + ts).body(bytes(size, ts)));
                assertThat(answer.summary()).isEqualTo("200 (no error)");
                var read = own.send(request("GET", "b/" + bucket + "/e?ts=" + ts));
                assertThat(read.body()).isEqualTo(bytes(size, ts));
              }
            } catch (java.io.IOException e) {
              throw new java.io.UncheckedIOException(e);
            }
          }));
    }
    for (var d : done) {
      d.get();
    }
    var times = timesOf("e").stream().map(Integer::parseInt).toList();
    assertThat(times).hasSize(connections * each).isSorted();
  }

  @Test
  void ofManyWritersOfOneTimeOneWins() throws Exception {
    for (int ts = 0; ts < 20; ts++) {
      var statuses = Collections.synchronizedList(new ArrayList<Integer>());
      var done = new ArrayList<CompletableFuture<Void>>();
      int size = ts % 2 == 0 ? 100 : 300_000;
      for (int c = 0; c < 4; c++) {
        int time = ts;
        done.add(
            CompletableFuture.runAsync(() -> {
              try (var own = new Wire(server.port())) {
                statuses.add(
                    own.send(
                            request("POST", "b/" + bucket + "/e?ts=" + time)
                                .body(bytes(size, time)))
                        .status());
              } catch (java.io.IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            }));
      }
      for (var d : done) {
        d.get();
      }
      assertThat(statuses.stream().sorted().toList()).isEqualTo(List.of(200, 409, 409, 409));
      assertThat(send("GET", "b/" + bucket + "/e?ts=" + ts).body()).isEqualTo(bytes(size, ts));
    }
  }

  @Test
  void clientsThatLeaveGiveEverythingBack() throws Exception {
    send(request("POST", "b/" + bucket + "/big?ts=1").body(bytes(4_000_000, 1)));
    for (int i = 0; i < 30; i++) {
      send(request("POST", "b/" + bucket + "/e?ts=" + i).body(bytes(200_000, i)));
    }
    for (int i = 0; i < 20; i++) {
      long id = query("b/" + bucket + "/e/q", "{'query_type':'QUERY'}");
      String path = i % 2 == 0 ? "b/" + bucket + "/big?ts=1" : "b/" + bucket + "/e/batch?q=" + id;
      try (var leaving = new Wire(server.port())) {
        leaving.socket.setReceiveBufferSize(4096);
        leaving.write(request("GET", path).bytes());
        leaving.socket.getInputStream().readNBytes(1000);
        leaving.socket.setSoLinger(true, 0);
      }
    }
    assertThat(send("GET", "b/" + bucket + "/big?ts=1").body()).isEqualTo(bytes(4_000_000, 1));
  }
}
