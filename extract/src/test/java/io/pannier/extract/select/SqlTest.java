package io.pannier.extract.select;

import static io.pannier.extract.select.Pipe.csv;
import static io.pannier.extract.select.Pipe.jsonRecord;
import static io.pannier.extract.select.Pipe.record;
import static io.pannier.extract.select.Pipe.run;
import static io.pannier.extract.select.Pipe.text;
import static io.pannier.extract.select.Pipe.texts;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Item;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Statements over records; the vectors Q1 to Q9 of the specification among others. */
class SqlTest {
  private static final String B1 = "1,10,a\n2,20,b\n3,30,c\n";
  private static final String B2 = "t,v,ok\n1,0.5,true\n2,2.5,false\n3,3.5,true\n";
  private static final byte[] MESSAGE = HexFormat.of().parseHex("0a027031190000000000803540");

  private static String sql(String statement) {
    return "{\"sql\":\"" + statement.replace("\"", "\\\"") + "\"}";
  }

  private static String one(String parameters, Item record) {
    List<Item> outputs = run(parameters, "", record);
    assertThat(outputs).hasSize(1);
    return text(outputs.getFirst());
  }

  private static Item headed(String body) {
    return record(1, "Text/CSV; Header=present", body.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void columnsWithoutNamesAreNumbered() {
    assertThat(one(sql("SELECT column_0, column_2 FROM ENTRY() WHERE column_1 >= 20"), csv(1, B1)))
        .isEqualTo("column_0,column_2\n2,b\n3,c\n");
  }

  @Test
  void theLastRowGivesTheLabels() {
    Item output =
        run(
                "{\"sql\":\"SELECT v FROM ENTRY() WHERE ok\",\"as_label\":{\"m\":\"v\"}}",
                "",
                headed(B2))
            .getFirst();
    assertThat(text(output)).isEqualTo("v\n0.5\n3.5\n");
    assertThat(output.computed()).isEqualTo(Labels.of("m", "3.5"));
    assertThat(output.contentType()).isEqualTo("text/csv; header=present");
    assertThat(output.labels()).isEqualTo(Labels.of("sensor", "imu"));
  }

  @Test
  void withoutAStatementEverythingIsTaken() {
    assertThat(one("{\"csv\":{\"has_headers\":true}}", csv(1, B2))).isEqualTo(B2);
    assertThat(one("{}", csv(1, "1.50,007,+5,1e3, 2 \n")))
        .isEqualTo("column_0,column_1,column_2,column_3,column_4\n1.50,007,+5,1e3,2\n");
    assertThat(
            one(
                sql(
                    "SELECT * EXCLUDE (column_1), column_0 + 1 AS n, e.column_0 FROM ENTRY() e"
                        + " ORDER BY column_0 DESC"),
                csv(1, "1.50,2\n2.50,3\n")))
        .isEqualTo("column_0,n,column_0_1\n2.50,3.5,2.50\n1.50,2.5,1.50\n");
  }

  @Test
  void nestedMembersAreReachedByDots() {
    String parameters = sql("SELECT a.b AS b FROM ENTRY()");
    assertThat(one(parameters, jsonRecord(1, "{\"a\":{\"b\":4}}"))).isEqualTo("[{\"b\":4}]");
    assertThat(
            run(
                sql("SELECT a.b AS b FROM ENTRY() WHERE a.b > 9"),
                "",
                jsonRecord(1, "{\"a\":{\"b\":4}}")))
        .isEmpty();
    assertThat(
            one(
                sql("SELECT pose.x AS x FROM ENTRY() WHERE pose.ok"),
                jsonRecord(1, "{\"pose\":{\"x\":1.5,\"ok\":true}}")))
        .isEqualTo("[{\"x\":1.5}]");
  }

  @Test
  void fieldsOfMessagesAreReadByNumber() {
    String fields =
        "{\"protobuf\":{\"fields\":{\"device_id\":{\"id\":%d,\"type\":\"string\"},\"temperature\":{\"id\":3,\"type\":\"double\"}}}%s}";
    assertThat(
            one(
                fields.formatted(
                    1,
                    ",\"sql\":\"SELECT device_id, temperature FROM ENTRY() WHERE temperature >"
                        + " 20\""),
                record(1, "application/octet-stream", MESSAGE)))
        .isEqualTo("[{\"device_id\":\"p1\",\"temperature\":21.5}]");
    assertThat(one(fields.formatted(9, ""), record(1, "x/y", MESSAGE)))
        .isEqualTo("[{\"device_id\":null,\"temperature\":21.5}]");
  }

  @Test
  void examplesOfTheDescription() {
    Item record = csv(1, "1,10\n5,20\n9,30\n");
    Item last =
        run(
                "{\"sql\":\"SELECT column_1 AS v FROM ENTRY() WHERE column_0 >"
                    + " 1\",\"as_label\":{\"last\":\"v\"}}",
                "",
                record)
            .getFirst();
    assertThat(text(last)).isEqualTo("v\n20\n30\n");
    assertThat(last.computed()).isEqualTo(Labels.of("last", "30"));
    Item mean =
        run(
                "{\"sql\":\"SELECT AVG(column_1) AS mean FROM"
                    + " ENTRY()\",\"as_label\":{\"mean\":\"mean\"},\"export\":{\"format\":\"json\"}}",
                "",
                record)
            .getFirst();
    assertThat(text(mean)).isEqualTo("[{\"mean\":20.0}]");
    assertThat(mean.computed()).isEqualTo(Labels.of("mean", "20.0"));
    assertThat(mean.contentType()).isEqualTo("application/json");
  }

  @Test
  void jsonOfEveryKindComesBackAsItWas() {
    String rows =
        "[{\"i\":1,\"f\":10.0,\"s\":\"x\\n\\\"\",\"l\":[1,2],\"o\":{\"a\":null,\"b\":[{\"c\":true}]},\"big\":18446744073709551615,\"m\":1},"
            + "{\"i\":null,\"f\":0.1,\"s\":\"\",\"l\":[],\"o\":{\"a\":\"t\",\"b\":[]},\"big\":3,\"m\":\"two\"}]";
    assertThat(Pipe.json(one("{}", jsonRecord(1, rows)))).isEqualTo(Pipe.json(rows));
  }

  @Test
  void parquetComesBackAsItWent() {
    String toParquet =
        "{\"csv\":{\"has_headers\":true},\"export\":{\"format\":\"parquet\"},\"as_label\":{\"m\":\"v\"}}";
    Item parquet = run(toParquet, "", csv(3, B2)).getFirst();
    assertThat(parquet.contentType()).isEqualTo("application/vnd.apache.parquet");
    assertThat(parquet.computed()).isEqualTo(Labels.of("m", "3.5"));
    Item back = record(4, parquet.contentType(), Pipe.bytes(parquet));
    assertThat(one("{\"export\":{\"format\":\"csv\"}}", back)).isEqualTo(B2);
    assertThat(
            one(
                "{\"sql\":\"SELECT sum(v) s FROM ENTRY()\",\"export\":{\"format\":\"json\"}}",
                back))
        .isEqualTo("[{\"s\":6.5}]");
  }

  @Test
  void eachFileIsReadAnew() {
    String toParquet = "{\"export\":{\"format\":\"parquet\"}}";
    Item[] files =
        run(toParquet, "", csv(1, "1\n"), csv(2, "2\n"), csv(3, "3\n")).stream()
            .map(file -> record(file.timestamp(), file.contentType(), Pipe.bytes(file)))
            .toArray(Item[]::new);
    assertThat(texts(run("{\"export\":{\"format\":\"csv\"}}", "", files)))
        .containsExactly("column_0\n1\n", "column_0\n2\n", "column_0\n3\n");
  }

  @Test
  void rowsAreGroupedAcrossRecords() {
    String parameters =
        "{\"sql\":\"SELECT column_0 AS n FROM"
            + " ENTRY()\",\"export\":{\"rows\":2,\"format\":\"%s\"},\"as_label\":{\"n\":\"n\"}}";
    List<Item> outputs = run(parameters.formatted("csv"), "", csv(1, B1), csv(2, B1));
    assertThat(texts(outputs)).containsExactly("n\n1\n2\n", "n\n3\n1\n", "n\n2\n3\n");
    assertThat(outputs).extracting(Item::timestamp).containsExactly(1L, 1L, 2L);
    assertThat(outputs).extracting(item -> item.computed().get("n")).containsExactly("2", "1", "3");
    assertThat(texts(run(parameters.formatted("json"), "", csv(1, B1), csv(2, B1))))
        .containsExactly("[{\"n\":1},{\"n\":2}]", "[{\"n\":3},{\"n\":1}]", "[{\"n\":2},{\"n\":3}]");
    List<Item> files = run(parameters.formatted("parquet"), "", csv(1, B1), csv(2, B1));
    assertThat(files).hasSize(3);
    assertThat(
            one(
                "{\"export\":{\"format\":\"csv\"}}",
                record(1, "application/vnd.apache.parquet", Pipe.bytes(files.get(1)))))
        .isEqualTo("n\n3\n1\n");
  }

  @Test
  void recordsWithinASpanOfTimeAreJoined() {
    String parameters = "{\"export\":{\"duration\":\"1.5s\"}}";
    List<Item> outputs =
        run(
            parameters,
            "",
            csv(0, "1\n"),
            csv(1_000_000, "2\n"),
            csv(1_500_000, "3\n"),
            csv(1_600_000, "a,b\n"));
    assertThat(texts(outputs))
        .containsExactly("column_0\n1\n2\n", "column_0\n3\n", "column_0,column_1\na,b\n");
  }

  @Test
  void theConditionJudgesResults() {
    String parameters =
        "{\"sql\":\"SELECT max(column_0) AS n FROM ENTRY()\",\"as_label\":{\"n\":\"n\"}}";
    assertThat(texts(run(parameters, "{\"@n\":{\"$gt\":5}}", csv(1, "1\n"), csv(2, "7\n"))))
        .containsExactly("n\n7\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"csv\":{},\"json\":{}} | Only one input format can be specified",
        "{\"export\":{\"rows\":0}} | 'export.rows' must be greater than 0",
        "{\"export\":{\"format\":\"xml\"}} | 'export.format' must be 'csv', 'json' or 'parquet',"
            + " not 'xml'",
        "{\"export\":{\"duration\":\"soon\"}} | 'export.duration' must be a number of microseconds"
            + " or a text such as '1s', '1.5s' or '1m', not 'soon'",
        "{\"export\":{\"duration\":0}} | 'export.duration' must be greater than 0",
        "{\"protobuf\":{\"schema\":\"AA\"}} | 'protobuf.schema' needs 'protobuf.message_name'",
        "{\"protobuf\":{\"fields\":{\"a\":{\"id\":1,\"type\":\"int32\"}},\"message_name\":\"M\"}} |"
            + " 'protobuf.fields' cannot be combined with 'message_name'",
        "{\"protobuf\":{\"fields\":{\"a\":{\"id\":0,\"type\":\"int32\"}}}} | 'protobuf.fields.a.id'"
            + " must be the number of a field, from 1 to 536870911",
        "{\"sql\":5} | 'sql' must be a string",
        "{\"sql\":\" \"} | 'sql' must be a SELECT statement",
        "{\"sql\":\"DROP TABLE x\"} | 'sql' must be one SELECT statement, not 'DROP …'",
        "{\"as_label\":{\"a\":1}} | 'as_label.a' must be the name of a column",
      })
  void parametersThatMakeNoSenseAreRefused(String parameters, String message) {
    assertThatThrownBy(() -> new Pipe(parameters, ""))
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessage(message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM ENTRY(), duckdb_settings()",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM pragma_version()",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM ENTRY() WHERE column_0 = (SELECT count(*) FROM read_blob('/etc/passwd'))",
        "SELECT getenv('HOME') FROM ENTRY()",
        "SELECT current_setting('memory_limit') FROM ENTRY()",
        "SELECT 1; ATTACH '/tmp/x.db'",
        "SELECT 1; COPY (SELECT 1) TO '/tmp/x.csv'",
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT * FROM t",
        "FROM (DESCRIBE SELECT 1)",
        "SELECT nope FROM ENTRY()",
        "SELECT FROM",
        "SELECT CAST(column_2 AS INTEGER) FROM ENTRY()",
      })
  void statementsThatReadElsewhereOrFailAreRefusedByName(String statement) {
    assertThatThrownBy(() -> run(sql(statement), "", csv(8, B1)))
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessageStartingWith("SQL error: ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "image/png | PNG | Unsupported content type 'image/png' for extension 'select'",
        "application/json | [ | Failed to parse JSON: Unexpected end",
        "application/vnd.apache.parquet | PAR1 | Failed to parse Parquet: ",
        "application/protobuf | x | Entry 'e' has no '$schema' attachment",
        "text/csv | \"x | Failed to parse CSV: line 1: a quote is not closed",
      })
  void contentThatCannotBeReadNamesTheRecord(String type, String body, String message) {
    assertThatThrownBy(() -> run("{}", "", record(9, type, body.getBytes(StandardCharsets.UTF_8))))
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void tooManyColumnsAreRefused() {
    assertThatThrownBy(() -> run("{}", "", csv(1, "1,".repeat(1_000_000))))
        .hasMessage("Failed to parse CSV: line 1 has more than 4096 columns");
  }
}
