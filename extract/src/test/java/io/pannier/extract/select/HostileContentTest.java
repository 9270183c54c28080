package io.pannier.extract.select;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Tag;
import net.jqwik.api.constraints.IntRange;

/**
 * Contents changed at random: each gives rows or an error that a client can be told, and the next
 * record is read as if nothing had happened.
 */
class HostileContentTest {
  private static final Map<String, byte[]> COLUMNS =
      Map.of(
          "{\"csv\":{\"has_headers\":true},\"columns\":[{\"name\":\"t\",\"as_label\":\"t\"},{\"from\":1}]}",
          "t,v,\"w\"\n1,\"a\"\"b\",x\r\n2,\u00e4\u20ac,y\n".getBytes(StandardCharsets.UTF_8),
          "{\"json\":{},\"columns\":[{\"name\":\"a.b\",\"as_label\":\"b\"},{\"name\":\"c\"}]}",
          "[{\"a\":{\"b\":1.50},\"c\":[true,null]},{\"c\":\"\\u00e4\"}]"
              .getBytes(StandardCharsets.UTF_8));

  private static final String FIELDS =
      "{\"protobuf\":{\"fields\":{\"a\":{\"id\":1,\"type\":\"string\"},\"b\":{\"id\":3,\"type\":\"double\"}}}}";

  @SuppressWarnings("ArrayRecordComponent")
  private record Sample(String parameters, String type, byte[] body) {}

  private static byte[] changed(byte[] body, Random random) {
    byte[] changed = body.clone();
    for (int n = random.nextInt(1, 6); n > 0 && changed.length > 0; n--) {
      int at = random.nextInt(changed.length);
      switch (random.nextInt(4)) {
        case 0 -> changed[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> changed[at] = (byte) "\",\n\r{}[]\\0.e-".charAt(random.nextInt(13));
        case 2 -> changed = java.util.Arrays.copyOf(changed, at);
        default -> {
          byte[] twice = java.util.Arrays.copyOf(changed, changed.length + at);
          System.arraycopy(changed, 0, twice, changed.length, at);
          changed = twice;
        }
      }
    }
    return changed;
  }

  @Property
  void columns(@ForAll int seed, @ForAll @IntRange(max = 1) int kind) {
    var sample = COLUMNS.entrySet().stream().sorted(Map.Entry.comparingByKey()).toList().get(kind);
    var random = new Random(seed);
    try (var pipe = new Pipe(sample.getKey(), "{\"$each_n\":1}")) {
      List<Item> whole = pipe.put(record("x/y", sample.getValue()));
      for (int i = 0; i < 20; i++) {
        tryOne(pipe, record("x/y", changed(sample.getValue(), random)));
      }
      assertThat(Pipe.texts(pipe.put(record("x/y", sample.getValue()))))
          .isEqualTo(Pipe.texts(whole));
    }
  }

  @Tag("slow")
  @Property(tries = 20)
  void statements(@ForAll int seed) {
    var random = new Random(seed);
    byte[] csv = "t,v\n1,2.5\n2,x\n".getBytes(StandardCharsets.UTF_8);
    Item parquet =
        Pipe.run(
                "{\"csv\":{\"has_headers\":true},\"export\":{\"format\":\"parquet\"}}",
                "",
                record("text/csv", csv))
            .getFirst();
    byte[] json =
        "[{\"a\":{\"b\":1.5},\"c\":[1,{}]},{\"a\":null}]".getBytes(StandardCharsets.UTF_8);
    for (Sample sample :
        List.of(
            new Sample("{}", "text/csv", csv),
            new Sample("{}", "application/json", json),
            new Sample(
                "{\"export\":{\"format\":\"json\"}}",
                "application/vnd.apache.parquet",
                Pipe.bytes(parquet)),
            new Sample(FIELDS, "x/y", HexFormat.of().parseHex("0a027031190000000000803540")))) {
      try (var pipe = new Pipe(sample.parameters(), "")) {
        List<Item> whole = pipe.put(record(sample.type(), sample.body()));
        for (int i = 0; i < 20; i++) {
          tryOne(pipe, record(sample.type(), changed(sample.body(), random)));
        }
        assertThat(Pipe.texts(pipe.put(record(sample.type(), sample.body()))))
            .isEqualTo(Pipe.texts(whole));
      }
    }
  }

  private static void tryOne(Pipe pipe, Item record) {
    try {
      pipe.put(record).forEach(Pipe::bytes);
    } catch (PannierException.Invalid told) {
      assertThat(told).hasMessageNotContaining("\n").hasMessageNotContaining("broke off");
    }
  }

  private static Item record(String type, byte[] body) {
    return Item.of("e", 1, Labels.EMPTY, Labels.EMPTY, type, Body.of(body));
  }
}
