package io.pannier.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/**
 * The record headers of both protocols: what is written is read again, by us and by each of the
 * clients' ways to read.
 */
class BatchGrammarTest {
  record Sample(
      String entry, long timestamp, long length, String contentType, Map<String, String> labels) {
    Labels asLabels() {
      return Labels.of(labels);
    }
  }

  // ---------------------------------------------------------------- what records may look like

  @Provide
  Arbitrary<List<Sample>> samples() {
    Arbitrary<String> names =
        Arbitraries.of("a", "b", "B", "cam", "x-1", "with space", "ü", "p%2", "7", "k_9");
    Arbitrary<String> values =
        Arbitraries.oneOf(
            Arbitraries.of("1", "true", "a=b", "a,b", ",", "=", "a\"b", "Zürich ☃", "%2C", "0.5e3"),
            Arbitraries.strings()
                .withChars("abz019 =,.-/")
                .ofMinLength(1)
                .ofMaxLength(8)
                .map(s -> "<" + s + ">"));
    Arbitrary<Map<String, String>> labels = Arbitraries.maps(names, values).ofMaxSize(4);
    Arbitrary<Long> times =
        Arbitraries.oneOf(
            Arbitraries.longs().between(0, 20),
            Arbitraries.of(Long.MAX_VALUE, Long.MIN_VALUE, -2L, -1L));
    return Combinators.combine(
            Arbitraries.of("a", "b/c", "m/$meta", "z"),
            times,
            Arbitraries.longs().between(0, 1L << 40),
            Arbitraries.of("", "text/plain", "image/jpeg", "text/plain;charset=UTF-8"),
            labels)
        .as(Sample::new)
        .list()
        .ofMinSize(1)
        .ofMaxSize(25)
        .uniqueElements(s -> s.entry + "@" + s.timestamp);
  }

  private static String typeOf(Sample sample) {
    return sample.contentType.isEmpty() ? BatchV1.DEFAULT_CONTENT_TYPE : sample.contentType;
  }

  // ---------------------------------------------------------------- v1

  @Property
  void v1ReadsWhatV1Writes(@ForAll("samples") List<Sample> samples) {
    var one = samples.stream().filter(s -> s.entry.equals(samples.getFirst().entry)).toList();
    var parser = new BatchV1(BatchRequest.Purpose.WRITE);
    for (Sample s : one) {
      parser.header(
          BatchV1.recordHeader(s.timestamp),
          BatchV1.recordValue(s.length, s.contentType, s.asLabels()));
    }
    var request = parser.request("e");
    var expected = new ArrayList<>(one);
    expected.sort(Comparator.comparing(Sample::timestamp, Timestamp::compare));
    assertThat(request.items())
        .containsExactlyElementsOf(
            expected.stream()
                .map(s -> new BatchItem(0, s.timestamp, s.length, typeOf(s), s.asLabels()))
                .toList());
    assertThat(request.entries()).containsExactly("e");
  }

  @Example
  void v1AcceptsWhatClientsSend() {
    assertThat(v1("4,image/jpeg,cam=l"))
        .isEqualTo(new BatchItem(0, 5, 4, "image/jpeg", Labels.of("cam", "l")));
    assertThat(v1("6,,note=\"a,b\""))
        .isEqualTo(new BatchItem(0, 5, 6, "", Labels.of("note", "a,b")));
    assertThat(v1("0,")).isEqualTo(new BatchItem(0, 5, 0, "", Labels.EMPTY));
    assertThat(v1(" 3 , text/plain , a = 1 , b = \"2\" ,, "))
        .isEqualTo(new BatchItem(0, 5, 3, "text/plain", Labels.of("a", "1", "b", "2")));
    assertThat(v1("3,,a=,b=x=y,a=2"))
        .isEqualTo(new BatchItem(0, 5, 3, "", Labels.of("a", "2", "b", "x=y")));
    assertThat(v1("3,,a=left, then right,b=1").labels())
        .isEqualTo(Labels.of("a", "left, then right", "b", "1"));
    assertThat(v1("3,,a=\"\"")).isEqualTo(new BatchItem(0, 5, 3, "", Labels.of("a", "")));
    assertThat(v1("3,,MixedCase=V").labels()).isEqualTo(Labels.of("MixedCase", "V"));
  }

  private static BatchItem v1(String value) {
    var parser = new BatchV1(BatchRequest.Purpose.WRITE);
    parser.header("x-reduct-time-5", value);
    return parser.request("e").items().getFirst();
  }

  @Example
  void v1RefusesWhatIsMalformed() {
    for (String value : List.of("", "4", "4,,x", "4,,x=\"a", "4,,y=\"c\"d")) {
      assertThatThrownBy(() -> v1(value)).as(value).hasMessage("Invalid batched header");
    }
    for (String value :
        List.of(",", "a,", "-1,", "1.5,", "+1,", "99999999999999999999,", "9223372036854775808,")) {
      assertThatThrownBy(() -> v1(value)).as(value).hasMessage("Invalid content length");
    }
    assertThatThrownBy(() -> v1("4,,=a")).hasMessage("Label name must not be empty");
    var parser = new BatchV1(BatchRequest.Purpose.WRITE);
    for (String name :
        List.of(
            "x-reduct-time-a",
            "x-reduct-time-",
            "x-reduct-time--1",
            "x-reduct-time-18446744073709551616")) {
      assertThatThrownBy(() -> parser.header(name, "4,"))
          .isInstanceOf(PannierException.Invalid.class)
          .hasMessage("Invalid header '" + name + "': must be an unix timestamp in microseconds");
    }
  }

  @Example
  void v1WritesWhatTheGrammarCannotExpressWithoutBreakingIt() {
    assertThat(BatchV1.recordValue(1, "a/b, c", Labels.of("k,1", "v", "q", "a,\"b\"")))
        .isEqualTo("1,a/b,k%2C1=v,q=\"a,'b'\"");
  }

  // ---------------------------------------------------------------- v2

  private static List<Sample> inQueryOrder(List<Sample> samples) {
    var sorted = new ArrayList<>(samples);
    sorted.sort(
        Comparator.comparing(Sample::timestamp, Timestamp::compare).thenComparing(Sample::entry));
    return sorted;
  }

  private static Map<String, String> encode(List<Sample> sorted) {
    var encoder = new BatchV2Encoder();
    for (Sample s : sorted) {
      encoder.add(s.entry, s.timestamp, s.length, s.contentType, s.asLabels());
    }
    var headers = new LinkedHashMap<String, String>();
    encoder.emit(headers::put);
    return headers;
  }

  @Property
  void v2AnswersAreReadAlikeByEveryClient(@ForAll("samples") List<Sample> samples) {
    var sorted = inQueryOrder(samples);
    var headers = encode(sorted);
    var expected =
        sorted.stream()
            .map(
                s -> new Sample(s.entry, s.timestamp, s.length, typeOf(s), new TreeMap<>(s.labels)))
            .toList();
    for (boolean byName : List.of(true, false)) {
      for (boolean timeFirst : List.of(true, false)) {
        assertThat(readAsClient(headers, byName, timeFirst)).containsExactlyElementsOf(expected);
      }
    }
  }

  /**
   * How the clients read a v2 answer (http-api.md §14.5, §14.6).
   *
   * @param byName whether "the record before" is remembered by entry name (Python, Rust) or by
   *     index (Go, JS)
   * @param timeFirst whether bodies are taken by (time, index) (Python, JS) or by (index, time)
   *     (Go, Rust)
   */
  private static List<Sample> readAsClient(
      Map<String, String> headers, boolean byName, boolean timeFirst) {
    var entries =
        List.of(headers.get("x-reduct-entries").split(",", -1)).stream()
            .map(HeaderText::percentDecode)
            .toList();
    long start = Timestamp.parse(headers.get("x-reduct-start-ts"));
    var labels =
        headers.containsKey("x-reduct-labels")
            ? List.of(headers.get("x-reduct-labels").split(",", -1)).stream()
                .map(HeaderText::percentDecode)
                .toList()
            : List.<String>of();
    record Raw(int index, long timestamp, String value) {}
    var raws = new ArrayList<Raw>();
    headers.forEach((name, value) -> {
      if (name.matches("x-reduct-[0-9]+-[0-9]+")) {
        String[] parts = name.substring(9).split("-", -1);
        raws.add(new Raw(Integer.parseInt(parts[0]), start + Timestamp.parse(parts[1]), value));
      }
    });
    Comparator<Raw> byTime = Comparator.comparing(Raw::timestamp, Timestamp::compare);
    raws.sort(
        timeFirst
            ? byTime.thenComparingInt(Raw::index)
            : Comparator.comparingInt(Raw::index).thenComparing(byTime));
    var types = new HashMap<Object, String>();
    var known = new HashMap<Object, TreeMap<String, String>>();
    var read = new ArrayList<Sample>();
    for (Raw raw : raws) {
      String entry = entries.get(raw.index);
      Object key = byName ? entry : (Object) raw.index;
      int comma = raw.value.indexOf(',');
      long length = Long.parseLong(comma < 0 ? raw.value : raw.value.substring(0, comma));
      var now = new TreeMap<>(known.getOrDefault(key, new TreeMap<>()));
      if (comma >= 0) {
        int next = raw.value.indexOf(',', comma + 1);
        String type = raw.value.substring(comma + 1, next < 0 ? raw.value.length() : next);
        if (!type.isEmpty()) {
          types.put(key, type);
        }
        if (next >= 0) {
          var items = new LabelItems(raw.value, next + 1);
          while (items.next()) {
            String name = labels.get(Integer.parseInt(items.name()));
            if (items.value().isEmpty()) {
              now.remove(name);
            } else {
              now.put(name, items.value());
            }
          }
        }
      }
      known.put(key, now);
      read.add(new Sample(entry, raw.timestamp, length, types.get(key), now));
    }
    return read;
  }

  @Property
  void v2RequestsReadWhatV2AnswersWrite(@ForAll("samples") List<Sample> samples) {
    var usable =
        inQueryOrder(samples).stream()
            .filter(s -> s.labels.keySet().stream().noneMatch(k -> k.startsWith("@")))
            .toList();
    var parser = new BatchV2(BatchRequest.Purpose.WRITE);
    encode(usable).forEach(parser::header);
    var request = parser.request();
    assertThat(
            request.items().stream()
                .map(i ->
                    new Sample(
                        request.entries().get(i.entry()),
                        i.timestamp(),
                        i.length(),
                        i.contentType(),
                        i.labels().toMap()))
                .toList())
        .containsExactlyElementsOf(
            usable.stream()
                .map(s ->
                    new Sample(s.entry, s.timestamp, s.length, typeOf(s), new TreeMap<>(s.labels)))
                .toList());
  }

  /** The example of http-api.md §14.6. */
  @Example
  void interleavedEntriesOpenNewIndexes() {
    assertThat(
            encode(
                List.of(
                    new Sample("a", 100, 1, "t/p", Map.of("k", "1")),
                    new Sample("a", 101, 2, "t/p", Map.of("k", "1")),
                    new Sample("b", 102, 3, "t/q", Map.of()),
                    new Sample("a", 103, 4, "t/p", Map.of("m", "9")),
                    new Sample("b", 103, 5, "t/q", Map.of("k", "7")))))
        .containsExactly(
            Map.entry("x-reduct-entries", "a,b,a,b"),
            Map.entry("x-reduct-start-ts", "100"),
            Map.entry("x-reduct-labels", "k,m"),
            Map.entry("x-reduct-0-0", "1,t/p,0=1"),
            Map.entry("x-reduct-0-1", "2"),
            Map.entry("x-reduct-1-2", "3,t/q"),
            Map.entry("x-reduct-2-3", "4,t/p,0=,1=9"),
            Map.entry("x-reduct-3-3", "5,t/q,0=7"));
  }

  /**
   * The example of http-api.md §14.5, of which the reference's answer was probed: without
   * interleaving ours is the same.
   */
  @Example
  void entriesOneAfterTheOtherLookAsTheReferencesDo() {
    assertThat(
            encode(
                List.of(
                    new Sample("m/a", 5, 3, "a/b", Map.of()),
                    new Sample("m/a", 6, 3, "a/b", Map.of("7", "1")),
                    new Sample("m/a", 1000, 3, "text/plain", Map.of("cam", "l", "unit", "mm")),
                    new Sample("m/a", 1010, 3, "text/plain", Map.of("cam", "l", "unit", "mm")),
                    new Sample("m/a", 1020, 3, "text/plain", Map.of("cam", "r")),
                    new Sample("m/b", 1021, 3, "application/json", Map.of("x", "1")),
                    new Sample("m/b", 1022, 3, "text/plain", Map.of()))))
        .containsExactly(
            Map.entry("x-reduct-entries", "m%2Fa,m%2Fb"),
            Map.entry("x-reduct-start-ts", "5"),
            Map.entry("x-reduct-labels", "7,cam,unit,x"),
            Map.entry("x-reduct-0-0", "3,a/b"),
            Map.entry("x-reduct-0-1", "3,,0=1"),
            Map.entry("x-reduct-0-995", "3,text/plain,0=,1=l,2=mm"),
            Map.entry("x-reduct-0-1005", "3"),
            Map.entry("x-reduct-0-1015", "3,,1=r,2="),
            Map.entry("x-reduct-1-1016", "3,application/json,3=1"),
            Map.entry("x-reduct-1-1017", "3,text/plain,3="));
  }

  @Example
  void anEmptyLabelValueCannotBeToldApartFromNone() {
    assertThat(
            encode(
                List.of(
                    new Sample("a", 1, 1, "t/p", Map.of("k", "")),
                    new Sample("a", 2, 1, "t/p", Map.of()),
                    new Sample("a", 3, 1, "t/p", Map.of("k", "v")),
                    new Sample("a", 4, 1, "t/p", Map.of("k", "")))))
        .containsEntry("x-reduct-0-0", "1,t/p")
        .containsEntry("x-reduct-0-1", "1")
        .containsEntry("x-reduct-0-2", "1,,0=v")
        .containsEntry("x-reduct-0-3", "1,,0=");
  }

  @Example
  void listsStayShortEnoughForEveryClient() {
    var encoder = new BatchV2Encoder();
    int taken = 0;
    for (int i = 0; i < 200; i++) {
      String entry = "e".repeat(100) + i % 2;
      if (!encoder.fits(entry, Labels.EMPTY)) {
        break;
      }
      encoder.add(entry, i, 1, "", Labels.EMPTY);
      taken++;
    }
    assertThat(taken).isBetween(70, 79);
    encoder = new BatchV2Encoder();
    for (taken = 0; encoder.fits("e", Labels.of("l".repeat(1000) + taken, "v")); taken++) {
      encoder.add("e", taken, 1, "", Labels.of("l".repeat(1000) + taken, "v"));
    }
    assertThat(taken).isEqualTo(7);
    // One record alone is sent, however long its names are.
    assertThat(new BatchV2Encoder().fits("e", Labels.of("l".repeat(9000), "v"))).isTrue();
  }

  // ---------------------------------------------------------------- v2 requests

  private static BatchRequest v2(BatchRequest.Purpose purpose, String... namesAndValues) {
    var parser = new BatchV2(purpose);
    for (int i = 0; i < namesAndValues.length; i += 2) {
      parser.header("x-reduct-" + namesAndValues[i], namesAndValues[i + 1]);
    }
    return parser.request();
  }

  private static BatchRequest write(String... namesAndValues) {
    return v2(BatchRequest.Purpose.WRITE, namesAndValues);
  }

  @Example
  void v2ExampleOfTheSpecification() {
    var request =
        write(
            "entries", "m%2Fa,m%2Fb",
            "start-ts", "1000",
            "labels", "cam,unit",
            "0-0", "3,text/plain,0=l,1=mm",
            "0-10", "3",
            "0-20", "3,,0=r,1=",
            "1-5", "3,application/json,x=1");
    assertThat(request.entries()).containsExactly("m/a", "m/b");
    assertThat(request.length()).isEqualTo(12);
    assertThat(request.items())
        .containsExactly(
            new BatchItem(0, 1000, 3, "text/plain", Labels.of("cam", "l", "unit", "mm")),
            new BatchItem(0, 1010, 3, "text/plain", Labels.of("cam", "l", "unit", "mm")),
            new BatchItem(0, 1020, 3, "text/plain", Labels.of("cam", "r")),
            new BatchItem(1, 1005, 3, "application/json", Labels.of("x", "1")));
  }

  @Example
  void v2RecordsAreOrderedByIndexThenTime() {
    var request =
        write(
            "entries",
            " a , b ",
            "start-ts",
            "0",
            "1-1",
            "1,",
            "0-30",
            "1",
            "1-0",
            "1,",
            "0-4",
            "1,t/x,k=v");
    assertThat(request.items().stream().map(i -> i.entry() + "-" + i.timestamp()))
        .containsExactly("0-4", "0-30", "1-0", "1-1");
    // The record before is the one before in time, not in the request.
    assertThat(request.items().get(1))
        .isEqualTo(new BatchItem(0, 30, 1, "t/x", Labels.of("k", "v")));
  }

  @Example
  void v2RepeatedNamesAreOneEntry() {
    var request =
        write(
            "entries",
            "a,b,a",
            "start-ts",
            "1000",
            "0-20",
            "1,t/a,x=1",
            "2-21",
            "1",
            "1-20",
            "1,t/b");
    assertThat(request.items().get(2))
        .isEqualTo(new BatchItem(2, 1021, 1, "t/a", Labels.of("x", "1")));
  }

  @Example
  void v2NumbersAreNamesWithoutAListOfLabels() {
    assertThat(write("entries", "a", "start-ts", "0", "0-0", "1,,7=1").items().getFirst().labels())
        .isEqualTo(Labels.of("7", "1"));
    assertThat(
            write("entries", "a", "start-ts", "0", "labels", "k%2C1", "0-0", "1,,0=1,other=2")
                .items()
                .getFirst()
                .labels())
        .isEqualTo(Labels.of("k,1", "1", "other", "2"));
  }

  @Example
  void v2UpdatesCarryTheirChangeOver() {
    var request =
        v2(
            BatchRequest.Purpose.UPDATE,
            "entries",
            "a",
            "start-ts",
            "0",
            "0-0",
            "0,,x=,y=2",
            "0-1",
            "0",
            "0-2",
            "0,application/octet-stream,k=v",
            "0-3",
            "0,");
    assertThat(request.items().stream().map(BatchItem::labels))
        .containsExactly(
            Labels.of("x", "", "y", "2"),
            Labels.of("x", "", "y", "2"),
            Labels.of("k", "v", "x", "", "y", "2"),
            Labels.of("k", "v", "x", "", "y", "2"));
    assertThatThrownBy(
            () -> v2(BatchRequest.Purpose.UPDATE, "entries", "a", "start-ts", "0", "0-0", "0"))
        .hasMessage("Content-type and labels must be provided for the first record of an entry");
  }

  @Example
  void v2RemovalsIgnoreTheValue() {
    var request =
        v2(
            BatchRequest.Purpose.REMOVE,
            "entries",
            "a",
            "start-ts",
            "5",
            "0-0",
            "",
            "0-1",
            "0",
            "0-2",
            "0,",
            "0-3",
            "x");
    assertThat(request.items().stream().map(BatchItem::timestamp)).containsExactly(5L, 6L, 7L, 8L);
  }

  @Example
  void v2IgnoresWhatIsNoRecord() {
    assertThat(
            write(
                    "entries",
                    "a",
                    "start-ts",
                    "0",
                    "error-0-0",
                    "409,x",
                    "content-length",
                    "5",
                    "0-0",
                    "5,")
                .items())
        .hasSize(1);
    assertThat(write("start-ts", "8").items()).isEmpty();
  }

  @Example
  void v2RefusesWithTheReferencesWords() {
    String[][] cases = {
      {"x-reduct-entries header is required", "entries", " ", "start-ts", "0", "0-0", "3,"},
      {"x-reduct-entries header is required", "start-ts", "0", "0-0", "3,"},
      {
        "x-reduct-entries header must not contain empty entry names",
        "entries",
        "a,,b",
        "start-ts",
        "0"
      },
      {
        "x-reduct-entries header must not contain empty entry names",
        "entries",
        "a,",
        "start-ts",
        "0"
      },
      {"x-reduct-start-ts header is required", "entries", "a", "0-0", "3,"},
      {"Invalid x-reduct-start-ts header", "entries", "a", "start-ts", "x"},
      {"Invalid x-reduct-start-ts header", "entries", "a", "start-ts", "-1"},
      {
        "Invalid header 'x-reduct-1-0': entry index out of range",
        "entries",
        "a",
        "start-ts",
        "0",
        "1-0",
        "3,"
      },
      {
        "Invalid header 'x-reduct-99999999999-0': entry index out of range",
        "entries",
        "a",
        "start-ts",
        "0",
        "99999999999-0",
        "3,"
      },
      {
        "Invalid header 'x-reduct-time-7': entry index must be a number",
        "entries",
        "a",
        "start-ts",
        "0",
        "time-7",
        "3,"
      },
      {
        "Invalid header 'x-reduct-7': entry index must be a number",
        "entries",
        "a",
        "start-ts",
        "0",
        "7",
        "3,"
      },
      {
        "Invalid header 'x-reduct-0-99999999999999999999': must be an unix timestamp in microseconds",
        "entries",
        "a",
        "start-ts",
        "0",
        "0-99999999999999999999",
        "3,"
      },
      {
        "Invalid header 'x-reduct-0-18446744073709551615': must be an unix timestamp in microseconds",
        "entries",
        "a",
        "start-ts",
        "1",
        "0-18446744073709551615",
        "3,"
      },
      {"Invalid batched header", "entries", "a", "start-ts", "0", "0-1", "x,text/plain"},
      {"Invalid batched header", "entries", "a", "start-ts", "0", "0-1", ""},
      {"Invalid batched header", "entries", "a", "start-ts", "0", "0-1", "3,,x"},
      {"Invalid batched header", "entries", "a", "start-ts", "0", "0-1", "3,,x=\"a"},
      {
        "Content-type and labels must be provided for the first record of an entry",
        "entries",
        "a",
        "start-ts",
        "0",
        "0-1",
        "3"
      },
      {
        "Label index '7' is out of range",
        "entries",
        "a",
        "start-ts",
        "0",
        "labels",
        "k",
        "0-1",
        "3,,7=1"
      },
      {
        "Label names must not start with '@': reserved for computed labels",
        "entries",
        "a",
        "start-ts",
        "0",
        "0-1",
        "3,,@x=1"
      },
      {
        "Label names must not start with '@': reserved for computed labels",
        "entries",
        "a",
        "start-ts",
        "0",
        "labels",
        "@k",
        "0-1",
        "3,,0=1"
      },
      {
        "x-reduct-labels header is empty",
        "entries",
        "a",
        "start-ts",
        "0",
        "labels",
        " ",
        "0-1",
        "3,,0=1"
      },
    };
    for (String[] c : cases) {
      assertThatThrownBy(() -> write(java.util.Arrays.copyOfRange(c, 1, c.length)))
          .as(String.join(" ", c))
          .isInstanceOf(PannierException.Invalid.class)
          .hasMessage(c[0]);
    }
  }

  @Example
  void lengthsThatDoNotFitTogetherAreAMismatch() {
    assertThatThrownBy(() ->
            write("entries", "a", "start-ts", "0", "0-1", Long.MAX_VALUE + ",", "0-2", "1,")
                .length())
        .hasMessage(
            "content-length header does not match the sum of the content-lengths in the headers");
  }

  // ---------------------------------------------------------------- names in lists

  @Property
  void percentEncodingIsUndone(@ForAll String name) {
    if (new String(
            name.getBytes(java.nio.charset.StandardCharsets.UTF_8),
            java.nio.charset.StandardCharsets.UTF_8)
        .equals(name)) {
      String encoded = HeaderText.percentEncode(name);
      assertThat(encoded).matches("[A-Za-z0-9!#$%&'*+.^_`|~-]*");
      assertThat(HeaderText.percentDecode(encoded)).isEqualTo(name);
    }
  }

  @Example
  void percentDecodingLeavesStrayPercentSigns() {
    assertThat(HeaderText.percentDecode("100%")).isEqualTo("100%");
    assertThat(HeaderText.percentDecode("%zz%2")).isEqualTo("%zz%2");
    assertThat(HeaderText.percentDecode("%2fa%C3%BC")).isEqualTo("/aü");
    assertThat(HeaderText.percentEncode("m/a, b%ü")).isEqualTo("m%2Fa%2C%20b%25%C3%BC");
  }
}
