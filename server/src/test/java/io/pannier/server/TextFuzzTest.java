package io.pannier.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.pannier.model.PannierException;
import io.pannier.query.Json;
import io.pannier.query.QueryOptions;
import io.pannier.replicate.SettingsJson;
import io.pannier.server.access.AddressRange;
import io.pannier.server.lifecycle.LifecycleJson;
import io.pannier.server.links.ByteRange;
import io.pannier.server.links.Link;
import io.pannier.store.Mutations;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Texts in headers and bodies that are not what their grammars say: each is taken or refused as
 * invalid, in memory that is in proportion. The same seeds as {@link RequestFuzzTest}'s, without
 * sockets and so many more of them; {@code -Dpannier.fuzz.seed} and {@code -Dpannier.fuzz.seconds}
 * choose what the slow test does.
 */
class TextFuzzTest {
  private static final long ALLOCATED_BASE = 16L << 20;
  private static final long ALLOCATED_PER_BYTE = 2_000;
  private static final List<byte[]> WORDS =
      Mutations.words(
          "\"",
          "\\",
          "{",
          "}",
          "[",
          "]",
          ",",
          ":",
          "=",
          "%",
          "%2",
          "%2F",
          "-",
          "0",
          "1e999",
          "$",
          "&",
          "@",
          "#",
          "null",
          "true",
          "\"$each_n\":",
          "\"$limit\":0,",
          "{\"$not\":[",
          "\"#ext\":",
          "1d ",
          "-1h",
          "/",
          "**",
          "*",
          "$meta",
          "\u00ff",
          "\u0000",
          "bytes=",
          "0-",
          "\"QUERY\"");

  /** A grammar, and inputs that are right. */
  private enum Grammar {
    BATCH_V1(
        "x-reduct-time-1000: 4,image/jpeg,cam=l\nx-reduct-time-1001: 6,,note=\"a,b\",c=",
        "x-reduct-time-18446744073709551615: 0,,a=b\nx-reduct-time-0: 5,text/plain") {
      @Override
      void read(String text) {
        for (BatchRequest.Purpose purpose : BatchRequest.Purpose.values()) {
          var parser = new BatchV1(purpose);
          headers(text, parser::header);
          parser.request("e");
        }
      }
    },
    BATCH_V2(
        """
        x-reduct-entries: m%2Fa,m%2Fb
        x-reduct-start-ts: 1000
        x-reduct-labels: cam,unit
        x-reduct-0-0: 3,text/plain,0=l,1=mm
        x-reduct-0-10: 3
        x-reduct-0-20: 3,,0=r,1=
        x-reduct-1-5: 3,application/json,x="1,2"
        """) {
      @Override
      void read(String text) {
        for (BatchRequest.Purpose purpose : BatchRequest.Purpose.values()) {
          var parser = new BatchV2(purpose);
          headers(text, parser::header);
          parser.request();
        }
      }
    },
    QUERY(
        "{\"query_type\":\"QUERY\",\"start\":0,\"stop\":100,\"ttl\":5,\"strict\":true,\"when\":"
            + "{\"&a\":{\"$gt\":1},\"$or\":[{\"&b\":{\"$eq\":\"x\"}},{\"$exists\":[\"a\"]}],"
            + "\"$limit\":3,\"#ctx_before\":2,\"#ctx_after\":\"1h 5m\"}}",
        "{\"query_type\":\"REMOVE\",\"entries\":[\"e\",\"!m/**\"],\"limit\":5,\"each_s\":0.5,"
            + "\"include\":{\"a\":\"1\"},\"when\":{\"$in\":[\"&a\",1,2.5,true],\"$gate\":[\"5s\","
            + "{\"&a\":{\"$eq\":1}}],\"$hour\":[\"$timestamp\",\"Europe/Berlin\"],"
            + "\"#batch_size\":\"8MB\",\"#select_labels\":[\"a\"]}}") {
      @Override
      void read(String text) {
        QueryOptions.parse(Json.object(bytes(text)));
      }
    },
    TOKEN(
        "{\"permissions\":{\"full_access\":false,\"read\":[\"b*\"],\"write\":[]},\"expires_at\":"
            + "\"2030-01-01T00:00:00Z\",\"ttl\":60,\"ip_allowlist\":[\"10.0.0.0/8\",\"::1\"]}",
        "{\"full_access\":true,\"read\":[],\"write\":[\"x\"]}") {
      @Override
      void read(String text) {
        TokenRoutes.parse(bytes(text)).ipAllowlist().forEach(AddressRange::parse);
      }
    },
    SETTINGS(
        "{\"quota_type\":\"FIFO\",\"quota_size\":1000,\"max_block_size\":10,\"ack\":\"disk\"}") {
      @Override
      void read(String text) {
        BucketRoutes.settingsOf(bytes(text), io.pannier.model.BucketSettings.DEFAULT);
      }
    },
    LIFECYCLE(
        "{\"type\":\"delete\",\"bucket\":\"b\",\"entries\":[\"a*\"],\"older_than\":\"1d 2h\","
            + "\"interval\":\"3600s\",\"when\":{\"&a\":{\"$eq\":1}},\"mode\":\"dry_run\"}") {
      @Override
      void read(String text) {
        LifecycleJson.settings(Json.object(bytes(text)));
      }
    },
    REPLICATION(
        "{\"src_bucket\":\"a\",\"dst_bucket\":\"x\",\"dst_host\":\"http://127.0.0.1:9/p\","
            + "\"when\":{\"$limit\":1},\"mode\":\"paused\",\"compression\":\"zstd\",\"from\":\"5\"}") {
      @Override
      void read(String text) {
        SettingsJson.read(Json.object(bytes(text)));
      }
    },
    LINK(
        "{\"bucket\":\"b\",\"entry\":\"e\",\"record_entry\":\"e\",\"record_timestamp\":1,"
            + "\"expire_at\":5,\"base_url\":\"https://x.org/p\",\"query\":{\"query_type\":\"QUERY\"}}") {
      @Override
      void read(String text) {
        var body = Json.object(bytes(text));
        Link.parse(body);
        Link.baseUrl(body);
      }
    },
    RANGE("bytes=0-3", "bytes=-5", "bytes=3-", "bytes=0-1,3-4") {
      @Override
      void read(String text) {
        try {
          ByteRange.parse(text, 10)
              .ifPresent(range -> {
                assertThat(range.from()).isBetween(0L, 9L);
                assertThat(range.to()).isBetween(range.from(), 10L);
              });
        } catch (ByteRange.Unsatisfiable told) {
          // As it should be.
        }
      }
    },
    PERCENT("a%2Fb%20c%C3%A4", "%zz%", "plain") {
      @Override
      void read(String text) {
        HeaderText.percentDecode(text);
      }
    };

    private static final String BETWEEN = "\u0001";
    private final String inputs;

    Grammar(String... inputs) {
      this.inputs = String.join("\u0001", inputs);
    }

    List<byte[]> seeds() {
      return Mutations.words(inputs.split(BETWEEN, -1));
    }

    /** Takes the text, or throws what is a client's fault. */
    abstract void read(String text);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static void headers(String text, java.util.function.BiConsumer<String, String> parser) {
    for (String line : text.split("\n", -1)) {
      int colon = line.indexOf(": ");
      if (colon > 0 && line.startsWith("x-reduct-")) {
        parser.accept(line.substring(0, colon), line.substring(colon + 2));
      }
    }
  }

  private static void check(Grammar grammar, byte[] input, String which) throws Exception {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    try {
      try {
        grammar.read(new String(input, StandardCharsets.ISO_8859_1));
      } catch (PannierException.Invalid | PannierException.BadRequest refused) {
        assertThat(refused.getMessage()).isNotBlank();
      }
      assertThat(threads.getCurrentThreadAllocatedBytes() - before)
          .as("allocated bytes")
          .isLessThan(ALLOCATED_BASE + ALLOCATED_PER_BYTE * input.length);
    } catch (Throwable failed) {
      Path folder = Files.createDirectories(Path.of("target/fuzz"));
      Path file = folder.resolve(grammar + "-" + which.replaceAll("[^0-9a-z]+", "-"));
      Files.write(file, input);
      throw new AssertionError(grammar + " " + which + ", written to " + file, failed);
    }
  }

  private static void run(Grammar grammar, long seed, long inputs, long untilNanos)
      throws Exception {
    List<byte[]> seeds = grammar.seeds();
    for (byte[] right : seeds) {
      // The first time classes and tables are loaded, which takes memory too.
      grammar.read(new String(right, StandardCharsets.ISO_8859_1));
      check(grammar, right, "seed");
    }
    for (long number = 0; number < inputs && System.nanoTime() < untilNanos; number++) {
      var mutations = new Mutations(seed * 1_000_003 + number, WORDS);
      check(grammar, mutations.mutate(mutations.oneOf(seeds)), "seed " + seed + " " + number);
    }
  }

  @ParameterizedTest
  @EnumSource
  void changedTextsAreTakenOrRefused(Grammar grammar) throws Exception {
    run(grammar, 1, 2_000, Long.MAX_VALUE);
  }

  @ParameterizedTest
  @EnumSource
  @Tag("slow")
  @Timeout(300)
  void moreChangedTextsAreTakenOrRefused(Grammar grammar) throws Exception {
    long seed = Long.getLong("pannier.fuzz.seed", System.nanoTime() & 0xfff_ffff);
    long seconds = Long.getLong("pannier.fuzz.seconds", 100) / 10;
    System.out.println(grammar + " -Dpannier.fuzz.seed=" + seed);
    run(grammar, seed, Long.MAX_VALUE, System.nanoTime() + seconds * 1_000_000_000);
  }
}
