package io.pannier.server;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Limits;
import io.pannier.model.SystemClock;
import io.pannier.model.SystemRandom;
import io.pannier.server.access.Authentication;
import io.pannier.server.access.NewToken;
import io.pannier.server.access.Permissions;
import io.pannier.server.access.Tokens;
import io.pannier.store.Store;
import io.pannier.store.StoreConfig;
import io.pannier.store.disk.RealDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What every request pays to be known, with a hundred tokens. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class AuthenticationBenchmark {
  private PlatformScheduler scheduler;
  private Store store;
  private Tokens tokens;
  private String header;

  /** Makes the tokens. */
  @Setup
  public void open() throws IOException {
    scheduler = new PlatformScheduler(1);
    store =
        Store.open(
            new StoreConfig(
                new RealDisk(Files.createTempDirectory("tokens")),
                new SystemClock(),
                SystemRandom.secure(),
                scheduler,
                Limits.forHandles(1024),
                BucketSettings.DEFAULT,
                Ack.BUFFERED,
                (kind, text, subject, cause) -> {},
                "benchmark"));
    tokens =
        Tokens.open(
            store,
            new Authentication.Provisioned("a-value-that-is-long-enough-to-be-random"),
            List.of(),
            new SystemClock(),
            SystemRandom.secure(),
            (delay, task) -> {});
    var wanted =
        new NewToken(
            new Permissions(false, List.of(), List.of("cam*")),
            Optional.empty(),
            OptionalLong.of(3600),
            List.of());
    for (int i = 0; i < 100; i++) {
      header = "Bearer " + tokens.create("robot" + i, wanted).value();
    }
  }

  /** Stops what was started. */
  @TearDown
  public void close() {
    tokens.close();
    store.close();
    scheduler.close();
  }

  /** A caller who was here before. */
  @Benchmark
  public Object authenticate() {
    return tokens.authenticate(header, Optional::empty);
  }
}
