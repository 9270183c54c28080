package io.pannier.server;

import static io.pannier.server.Wire.request;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Clock;
import io.pannier.model.Limits;
import io.pannier.model.SystemClock;
import io.pannier.store.Store;
import io.pannier.store.StoreConfig;
import io.pannier.store.disk.RealDisk;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A server with a store on a real disk, and what its tests send again and again. */
abstract class ApiFixture {
  static final String TOKEN = "secret";
  private static final AtomicInteger NAMES = new AtomicInteger();

  @TempDir Path folder;
  private PlatformScheduler scheduler;
  Store store;
  Server server;
  Wire wire;

  /** A bucket of this test alone. */
  String bucket;

  @BeforeEach
  void startServer() throws IOException {
    open();
    bucket = "b" + NAMES.incrementAndGet();
    send("POST", "b/" + bucket);
  }

  /** Starts a server on what is in the folder. */
  void open() throws IOException {
    server = start(configure(ServerConfig.of(Optional.of(TOKEN))));
    scheduler = new PlatformScheduler(2);
    store =
        Store.open(
            new StoreConfig(
                new RealDisk(folder),
                clock(),
                new Random(5),
                scheduler,
                Limits.forHandles(4096),
                BucketSettings.DEFAULT,
                Ack.BUFFERED,
                (kind, text, subject, cause) -> {},
                "test"));
    server.open(store);
    wire = connect(server.port());
  }

  /** Stops server and store, and starts them again on the same folder. */
  void restart() throws IOException, InterruptedException {
    stopServer();
    open();
  }

  Server start(ServerConfig config) {
    return Server.start(config);
  }

  /** The time by which the store goes. */
  Clock clock() {
    return new SystemClock();
  }

  ServerConfig configure(ServerConfig usual) {
    return usual;
  }

  /** Opens the connection that requests go through. */
  Wire connect(int port) throws IOException {
    return new Wire(port);
  }

  @AfterEach
  void stopServer() throws IOException, InterruptedException {
    wire.close();
    for (int i = 0; i < 200 && server.context().buffers.inUse() > 0; i++) {
      Thread.sleep(10); // tidy: polls a condition, with an end
    }
    int leaked = server.context().buffers.inUse();
    server.close();
    store.close();
    scheduler.close();
    if (leaked > 0) {
      throw new AssertionError(leaked + " buffers were not given back");
    }
  }

  Wire.Answer send(Wire.Request request) throws IOException {
    return wire.send(request);
  }

  Wire.Answer send(String method, String path) throws IOException {
    return wire.send(request(method, path));
  }

  Wire.Answer send(String method, String path, String body) throws IOException {
    return wire.send(request(method, path).body(body));
  }

  Wire.Answer send(String method, String path, UnaryOperator<Wire.Request> more)
      throws IOException {
    return wire.send(more.apply(request(method, path)));
  }

  /** Writes a record with labels {@code name=value}. */
  void record(String entry, long timestamp, String body, String... labels) throws IOException {
    Wire.Request write =
        request("POST", "b/" + bucket + "/" + entry + "?ts=" + Long.toUnsignedString(timestamp))
            .header("content-type", "text/plain")
            .body(body);
    for (String label : labels) {
      write.header(
          "x-reduct-label-" + label.substring(0, label.indexOf('=')),
          label.substring(label.indexOf('=') + 1));
    }
    Wire.Answer answer = send(write);
    if (answer.status() != 200) {
      throw new AssertionError("write failed: " + answer.summary());
    }
  }

  /** Begins a query and returns its id. */
  long query(String path, String json) throws IOException {
    Wire.Answer answer = send("POST", path, json.replace('\'', '"'));
    if (answer.status() != 200) {
      throw new AssertionError("query failed: " + answer.summary());
    }
    return Long.parseLong(answer.text().replaceAll("[^0-9]", ""));
  }

  long queryMany(String json) throws IOException {
    return query("io/" + bucket + "/q", json);
  }

  Wire.Answer readMany(String method, long id) throws IOException {
    return send(
        request(method, "io/" + bucket + "/read").header("x-reduct-query-id", Long.toString(id)));
  }

  Wire.Answer readOne(String method, String entry, long id) throws IOException {
    return send(method, "b/" + bucket + "/" + entry + "/batch?q=" + id);
  }

  /** Times of the records of an entry, by a v1 query. */
  List<String> timesOf(String entry) throws IOException {
    var times = new ArrayList<String>();
    long id = query("b/" + bucket + "/" + entry + "/q", "{'query_type':'QUERY'}");
    for (; ; ) {
      Wire.Answer answer = readOne("HEAD", entry, id);
      if (answer.status() == 204) {
        return times;
      }
      answer.own("x-reduct-time-").forEach(h -> times.add(h.substring(14, h.indexOf(':'))));
    }
  }

  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** Bytes that are not all alike. */
  static byte[] bytes(int length, int seed) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}
