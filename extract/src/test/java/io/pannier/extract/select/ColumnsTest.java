package io.pannier.extract.select;

import static io.pannier.extract.select.Pipe.csv;
import static io.pannier.extract.select.Pipe.jsonRecord;
import static io.pannier.extract.select.Pipe.run;
import static io.pannier.extract.select.Pipe.text;
import static io.pannier.extract.select.Pipe.texts;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Item;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Columns of CSV and members of JSON; the vectors L1 to L10 of the specification among others. */
class ColumnsTest {
  private static final String B1 = "1,10,a\n2,20,b\n3,30,c\n";
  private static final String B2 = "t,v,ok\n1,0.5,true\n2,2.5,false\n3,3.5,true\n";
  private static final String L5 =
      "{\"csv\":{\"has_headers\":true},\"columns\":[{\"name\":\"v\",\"as_label\":\"v\"},{\"name\":\"t\"}]}";

  private static String one(String parameters, String when, String body) {
    List<Item> outputs = run(parameters, when, csv(1, body));
    assertThat(outputs).hasSize(1);
    return text(outputs.getFirst());
  }

  private static Labels computed(String parameters, String when, Item record) {
    return run(parameters, when, record).getFirst().computed();
  }

  @Test
  void columnsByNumberAndRange() {
    assertThat(one("{\"columns\":[{\"index\":1}]}", "", B1)).isEqualTo("10\n20\n30\n");
    assertThat(one("{\"columns\":[{\"from\":1}]}", "", B1)).isEqualTo("10,a\n20,b\n30,c\n");
  }

  @Test
  void rowsAreJudgedByTheirLabelsAndJoinedAgain() {
    String parameters = "{\"columns\":[{\"index\":0,\"as_label\":\"id\"},{\"from\":1,\"to\":2}]}";
    String when = "{\"@id\":{\"$gte\":2}}";
    assertThat(one(parameters, when, B1)).isEqualTo("2,20\n3,30\n");
    assertThat(computed(parameters, when, csv(1, B1))).isEqualTo(Labels.of("id", "2"));
    assertThat(
            one("{\"columns\":[{\"index\":2,\"as_label\":\"k\"}]}", "{\"@k\":{\"$eq\":\"b\"}}", B1))
        .isEqualTo("b\n");
  }

  @Test
  void namesComeFromTheFirstLineAndStandOverTheResult() {
    assertThat(one(L5, "{\"@v\":{\"$gt\":1}}", B2)).isEqualTo("v,t\n2.5,2\n3.5,3\n");
    assertThat(computed(L5, "{\"@v\":{\"$gt\":1}}", csv(1, B2))).isEqualTo(Labels.of("v", "2.5"));
    assertThat(run(L5, "{\"@v\":{\"$gt\":9}}", csv(1, B2))).isEmpty();
    assertThat(
            one(
                "{\"csv\":{\"has_headers\":true},\"columns\":[{\"name\":\"ok\",\"as_label\":\"ok\"}]}",
                "{\"@ok\":{\"$eq\":true}}",
                B2))
        .isEqualTo("ok\ntrue\ntrue\n");
  }

  @Test
  void aLimitCountsRowsOfAllRecords() {
    List<Item> outputs =
        run("{\"columns\":[{\"index\":1}]}", "{\"$limit\":2}", csv(5, B1), csv(6, B1));
    assertThat(texts(outputs)).containsExactly("10\n20\n");
    assertThat(outputs.getFirst().timestamp()).isEqualTo(5);
  }

  @Test
  void aLabelThatIsMissingIsAnError() {
    assertThatThrownBy(
            () -> run("{\"columns\":[{\"index\":1}]}", "{\"@nope\":{\"$eq\":1}}", csv(1, B1)))
        .isInstanceOf(PannierException.NotFound.class)
        .hasMessage("Reference '@nope' not found");
  }

  @Test
  void theExampleOfTheImu() {
    String parameters =
        "{\"csv\":{\"has_headers\":true},\"columns\":[{\"name\":\"ts\",\"as_label\":\"ts_ns\"},"
            + "{\"name\":\"linear_acceleration_x\",\"as_label\":\"acc_x\"},{\"name\":\"linear_acceleration_y\"},"
            + "{\"name\":\"linear_acceleration_z\"}]}";
    String head = "ts,linear_acceleration_x,linear_acceleration_y,linear_acceleration_z\n";
    // The example's last line has no line end.
    Item input = csv(7, head + "1000,0.1,0,9\n1100,1.95,0.2,9.1\n1200,1.99,0.3,9.2");
    Item output = run(parameters, "{\"@acc_x\":{\"$gt\":1.9}}", input).getFirst();
    assertThat(text(output)).isEqualTo(head + "1100,1.95,0.2,9.1\n1200,1.99,0.3,9.2\n");
    assertThat(output.computed()).isEqualTo(Labels.of("ts_ns", "1100", "acc_x", "1.95"));
    assertThat(output.labels()).isEqualTo(Labels.of("sensor", "imu"));
    assertThat(output.timestamp()).isEqualTo(7);
    assertThat(output.contentType()).isEqualTo("text/csv");
  }

  @Test
  void quotesStayBlankLinesGoAndCellsBeyondTheRowAreEmpty() {
    String body = "\uFEFF\"a,\"\"1\"\"\", x \r\n\r\n\n\"two\nlines\",y,z\r\n";
    assertThat(one("{\"columns\":[{\"index\":1},{\"index\":0},{\"index\":2}]}", "", body))
        .isEqualTo(" x ,\"a,\"\"1\"\"\",\ny,\"two\nlines\",z\n");
    assertThat(one("{\"columns\":[{\"from\":1,\"to\":4},{\"index\":0}]}", "", "1,2\n3,4,5,6,7\n"))
        .isEqualTo("2,,,1\n4,5,6,3\n");
    assertThat(
            computed(
                "{\"columns\":[{\"index\":1,\"as_label\":\"x\"},{\"index\":2,\"as_label\":\"z\"}]}",
                "",
                csv(1, body)))
        .isEqualTo(Labels.of("x", "x"));
  }

  @Test
  void rowsLongerThanTheBufferAreWhole() {
    String cell = "x".repeat(100_000);
    String body = ("1," + cell + ",\"" + cell + "\"\n").repeat(5);
    assertThat(
            one(
                "{\"columns\":[{\"index\":2},{\"index\":0,\"as_label\":\"k\"}]}",
                "{\"@k\":{\"$eq\":1}}",
                body))
        .isEqualTo(("\"" + cell + "\",1\n").repeat(5));
  }

  @Test
  void noRowsNoRecord() {
    assertThat(run(L5, "", csv(1, "t,v,ok\n"), csv(2, ""))).isEmpty();
  }

  @Test
  void membersOfJsonKeepTheirPlaces() {
    String parameters =
        "{\"json\":{},\"columns\":[{\"name\":\"s.w\",\"as_label\":\"w\"},{\"name\":\"q\"}]}";
    Item output =
        run(
                parameters,
                "{\"@w\":{\"$eq\":\"x\"}}",
                jsonRecord(1, "{\"s\":{\"u\":1,\"w\":\"x\"},\"q\":2}"))
            .getFirst();
    assertThat(text(output)).isEqualTo("[{\"s\":{\"w\":\"x\"},\"q\":2}]");
    assertThat(output.computed()).isEqualTo(Labels.of("w", "x"));
    assertThat(output.contentType()).isEqualTo("application/json");
    String temp = "{\"temp\":{\"value\":10,\"status\":\"ok\"}}";
    assertThat(
            texts(
                run(
                    "{\"json\":{},\"columns\":[{\"name\":\"temp\"},{\"name\":\"temp.status\"}]}",
                    "",
                    jsonRecord(1, temp))))
        .containsExactly("[{\"temp\":{\"status\":\"ok\"}}]");
  }

  @Test
  void listsAndSequencesOfObjectsAreRowsAndNumbersKeepTheirDigits() {
    String parameters = "{\"json\":{},\"columns\":[{\"name\":\"v\",\"as_label\":\"v\"}]}";
    List<Item> outputs =
        run(
            parameters,
            "{\"@v\":{\"$gt\":1}}",
            jsonRecord(1, "[{\"v\":1},{\"v\":10.0}] {\"v\":2.50}\n{\"v\":3e0}"));
    assertThat(texts(outputs)).containsExactly("[{\"v\":10.0},{\"v\":2.50},{\"v\":3}]");
    assertThat(outputs.getFirst().computed()).isEqualTo(Labels.of("v", "10.0"));
    assertThat(
            texts(
                run(
                    "{\"json\":{},\"columns\":[{\"name\":\"no\"}]}",
                    "",
                    jsonRecord(1, "{\"v\":1}"))))
        .containsExactly("[{}]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"csv\":{\"has_headers\":true},\"columns\":[{\"name\":\"w\"}]} | a,b 1,2 | Column 'w' not"
            + " found",
        "{\"columns\":[{\"index\":0}]} | 1,\"2 | Failed to parse CSV: line 1: a quote is not"
            + " closed",
        "{\"json\":{},\"columns\":[{\"name\":\"a\"}]} | [1] | Failed to parse JSON: row 1 is no"
            + " object",
        "{\"json\":{},\"columns\":[{\"name\":\"a\"}]} | PNG | Failed to parse JSON: Unrecognized"
            + " token",
        "{\"json\":{},\"columns\":[{\"name\":\"a\"}]} | {\"a\": | Failed to parse JSON: Unexpected"
            + " end",
      })
  void contentThatCannotBeReadNamesTheRecord(String parameters, String body, String message) {
    assertThatThrownBy(() -> run(parameters, "", csv(9, body)))
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void bytesThatAreNoTextNameTheRecord() {
    byte[] bytes = "1,2\n3,\u00e4\n".getBytes(StandardCharsets.ISO_8859_1);
    assertThatThrownBy(
            () -> run("{\"columns\":[{\"index\":0}]}", "", Pipe.record(4, "text/csv", bytes)))
        .hasMessage("Failed to parse CSV: the text is not UTF-8");
    assertThat(one("{\"columns\":[{\"index\":1}]}", "", "1,\u00e4\u20ac\ud83d\ude00\n"))
        .isEqualTo("\u00e4\u20ac\ud83d\ude00\n");
  }

  @Test
  void theNextRecordIsReadAfterABrokenOne() {
    try (var pipe =
        new Pipe("{\"columns\":[{\"index\":0,\"as_label\":\"a\"}]}", "{\"@a\":{\"$gt\":0}}")) {
      assertThatThrownBy(() -> pipe.put(csv(1, "1\n\"2")))
          .isInstanceOf(PannierException.Invalid.class);
      assertThat(texts(pipe.put(csv(2, "3\n")))).containsExactly("3\n");
    }
  }

  @Test
  void aMillionColumnsAreReadAndMoreThanARowMayHoldIsRefused() {
    String wide = "1,".repeat(1_000_000) + "7\n";
    assertThat(one("{\"columns\":[{\"index\":1000000}]}", "", wide)).isEqualTo("7\n");
    assertThatThrownBy(() -> one("{\"columns\":[{\"index\":0}]}", "", "1,".repeat(9_000_000)))
        .hasMessage("Failed to parse CSV: line 1 is longer than 8388608 bytes");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "5 | Parameters of 'select' must be an object, not number",
        "{\"columns\":[]} | 'columns' must be a list of at least one column",
        "{\"columns\":{}} | 'columns' must be a list of at least one column",
        "{\"columns\":[5]} | 'columns[0]' must be an object with 'index', 'name' or 'from' and"
            + " 'to'",
        "{\"columns\":[{}]} | 'columns[0]' needs 'index', 'name' or a range of 'from' and 'to'",
        "{\"columns\":[{\"index\":1,\"from\":2}]} | 'columns[0]' can have only one of 'index',"
            + " 'name' and a range of 'from' and 'to'",
        "{\"columns\":[{\"index\":-1}]} | 'columns[0].index' must be between 0 and 1000000",
        "{\"columns\":[{\"index\":\"1\"}]} | 'columns[0].index' must be a whole number",
        "{\"columns\":[{\"index\":1.5}]} | 'columns[0].index' must be a whole number",
        "{\"columns\":[{\"from\":2,\"to\":2}]} | 'columns[0].to' must be greater than 'from': it is"
            + " the first column that is left out",
        "{\"columns\":[{\"from\":1,\"as_label\":\"x\"}]} | 'columns[0].as_label' cannot stand"
            + " beside a range",
        "{\"columns\":[{\"name\":\"v\"}]} | Column name 'v' requires csv.has_headers",
        "{\"json\":{},\"columns\":[{\"index\":1}]} | 'columns[0]' needs 'name': JSON has no columns"
            + " with numbers",
        "{\"json\":{},\"columns\":[{\"name\":\"a..b\"}]} | 'columns[0].name' must be a path of"
            + " names with dots between them, not 'a..b'",
        "{\"json\":{},\"csv\":{},\"columns\":[{\"name\":\"v\"}]} | Only one input format can be"
            + " specified",
        "{\"csv\":{\"has_headers\":1},\"columns\":[{\"index\":0}]} | 'csv.has_headers' must be true"
            + " or false",
        "{\"sql\":\"SELECT 1\",\"columns\":[{\"index\":0}]} | 'columns' cannot be combined with"
            + " 'sql'",
        "{\"protobuf\":{},\"columns\":[{\"index\":0}]} | 'columns' cannot be combined with"
            + " 'protobuf'",
        "{\"columns\":[{\"index\":0,\"as_label\":\"@x\"}]} | 'as_label' must name a label, without"
            + " '@', not '@x'",
      })
  void parametersThatMakeNoSenseAreRefused(String parameters, String message) {
    assertThatThrownBy(() -> new Pipe(parameters, ""))
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessage(message);
  }
}
