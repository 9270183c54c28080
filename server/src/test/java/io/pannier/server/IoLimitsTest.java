package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.query.ReadLimits;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each of {@link IoLimits} does what it says, seen from outside. */
@Timeout(60)
class IoLimitsTest extends ApiFixture {
  /** Longer than what is gathered in memory. */
  private static final int LARGE = 300_000;

  private static final int OPERATION_MILLIS = 700;

  @Override
  ServerConfig configure(ServerConfig usual) {
    return usual.withIo(
        new IoLimits(
            50_000, 4, 8192, new ReadLimits(400_000_000L, 100_000_000L), OPERATION_MILLIS, 1));
  }

  // ------------------------------------------------------------------------------ batches

  private List<Integer> batchSizes(String entry) throws IOException {
    var sizes = new ArrayList<Integer>();
    long id = query("b/" + bucket + "/" + entry + "/q", "{'query_type':'QUERY'}");
    for (; ; ) {
      Wire.Answer answer = readOne("GET", entry, id);
      if (answer.status() == 204) {
        return sizes;
      }
      sizes.add(answer.own("x-reduct-time-").size());
    }
  }

  @Test
  void aBatchIsClosedByRecords() throws IOException {
    for (int i = 0; i < 10; i++) {
      record("e", i, "x");
    }
    assertThat(batchSizes("e")).containsExactly(4, 4, 2);
  }

  @Test
  void aBatchIsClosedByBytes() throws IOException {
    for (int i = 0; i < 4; i++) {
      record("e", i, "x".repeat(30_000));
    }
    assertThat(batchSizes("e")).containsExactly(2, 2);
  }

  @Test
  void aBatchIsClosedByHeaders() throws IOException {
    for (int i = 0; i < 4; i++) {
      record("e", i, "x", "a=" + "y".repeat(5_000));
    }
    assertThat(batchSizes("e")).containsExactly(2, 2);
  }

  @Test
  void aRequestHasAsManyHeadersAsABatchAndSomeMore() throws IOException {
    Wire.Request many = request("GET", "info");
    for (int i = 0; i < 16; i++) {
      many.header("x-" + i, "y");
    }
    many.header("connection", "close");
    assertThat(send(many).status()).isEqualTo(200);
    wire.close();
    wire = new Wire(server.port());
    assertThat(send(many.header("x-16", "y")).status()).isEqualTo(431);
  }

  @Test
  void aReadWaitsForTheFirstRecordAsLongAsABatchMayTake() throws IOException {
    record("e", 1, "x");
    long id =
        query(
            "b/" + bucket + "/e/q", "{'query_type':'QUERY','start':2,'continuous':true,'ttl':60}");
    long began = System.nanoTime();
    assertThat(readOne("GET", "e", id).status()).isEqualTo(204);
    assertThat(System.nanoTime() - began).isBetween(300_000_000L, 5_000_000_000L);
  }

  // ------------------------------------------------------------------------------ uploads

  private Wire.Request upload(long timestamp) {
    return request("POST", "b/" + bucket + "/e?ts=" + timestamp).announcing(LARGE);
  }

  /** Sends head and first bytes, so that the upload is under way. */
  private Wire begin(long timestamp) throws IOException {
    var client = new Wire(server.port());
    client.write(upload(timestamp).head());
    client.write(new byte[1000]);
    return client;
  }

  private void awaitEntry() throws IOException {
    while (send("HEAD", "b/" + bucket + "/e").status() == 404
        && !send("GET", "b/" + bucket).text().contains("\"name\":\"e\"")) {
      Thread.onSpinWait();
    }
  }

  @Test
  void aStalledUploadIsGivenUp() throws IOException {
    try (Wire client = begin(1)) {
      assertThat(client.read(false).summary()).isEqualTo("400 Timeout while receiving data");
    }
  }

  @Test
  void oneMoreWriterWaitsAndIsToldToComeAgain() throws Exception {
    var done = new AtomicBoolean();
    try (Wire slow = begin(1)) {
      awaitEntry();
      var trickle =
          new Thread(() -> {
            try {
              while (!done.get()) {
                slow.write(new byte[1]);
                LockSupport.parkNanos(50_000_000); // tidy: the pace of a slow sender
              }
            } catch (IOException ended) {
              throw new java.io.UncheckedIOException(ended);
            }
          });
      trickle.start();
      long began = System.nanoTime();
      Wire.Answer refused =
          send(
              request("POST", "b/" + bucket + "/e/batch")
                  .header("x-reduct-time-5", "1,text/plain")
                  .body("x"));
      assertThat(refused.summary())
          .isEqualTo("429 in-flight writers limit exceeded: try again later");
      assertThat(refused.own("retry-after")).containsExactly("retry-after: 1");
      assertThat(System.nanoTime() - began).isGreaterThan(OPERATION_MILLIS * 900_000L);
      // A small record is no writer that stays.
      record("e", 7, "x");
      done.set(true);
      trickle.join();
    }
  }

  @Test
  void whoWaitsGoesOnWhenTheOtherEnds() throws Exception {
    try (Wire first = begin(1);
        Wire second = new Wire(server.port())) {
      awaitEntry();
      try (Wire gone = new Wire(server.port())) {
        gone.write(upload(3).head());
      }
      second.write(upload(2).head());
      second.write(new byte[LARGE]);
      first.write(new byte[LARGE - 1000]);
      assertThat(first.read(false).status()).isEqualTo(200);
      assertThat(second.read(false).status()).isEqualTo(200);
    }
    assertThat(send(upload(4).body(new byte[LARGE])).status()).isEqualTo(200);
    assertThat(timesOf("e")).containsExactly("1", "2", "4");
  }
}
