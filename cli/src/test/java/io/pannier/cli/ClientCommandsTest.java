package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.client.Body;
import io.pannier.client.Bucket;
import io.pannier.client.BucketOptions;
import io.pannier.client.Json;
import io.pannier.client.Outgoing;
import io.pannier.client.PannierClient;
import io.pannier.client.QueryOptions;
import io.pannier.client.RecordStream;
import io.pannier.client.StoredRecord;
import io.pannier.model.Labels;
import io.pannier.robotics.mcap.McapReader;
import io.pannier.robotics.mcap.MessageCursor;
import io.pannier.robotics.mcap.MessageSelection;
import io.pannier.robotics.mcap.RangeSource;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The client commands against a server of ours, and beside {@code reduct-cli} where it is there.
 */
class ClientCommandsTest {
  @TempDir Path folder;
  private LiveServer server;
  private PannierClient client;
  private Cli cli;

  @BeforeEach
  void start() {
    server = LiveServer.ours(folder.resolve("data"));
    client = PannierClient.connect(server.url(), LiveServer.TOKEN);
    cli = new Cli(folder);
    cli.ok("alias", "add", "local", "-L", server.url(), "-t", LiveServer.TOKEN);
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    server.close();
  }

  private Bucket bucket(String name) {
    return client.getOrCreateBucket(name, BucketOptions.unchanged());
  }

  private Bucket filled(String name) {
    Bucket bucket = bucket(name);
    for (int i = 1; i <= 5; i++) {
      bucket.write(
          "cam/front",
          Outgoing.of(i * 1_000_000L, Body.of("picture " + i))
              .type("image/jpeg")
              .labels("n", "" + i));
      bucket.write(
          "imu", Outgoing.of(i * 1_000_000L, Body.of(i + ",2,3")).type("text/csv; header=1"));
    }
    return bucket;
  }

  private static Map<String, String> contents(Bucket bucket) {
    Map<String, String> found = new TreeMap<>();
    try (RecordStream records = bucket.query(List.of(), QueryOptions.all())) {
      while (records.hasNext()) {
        StoredRecord record = records.next();
        found.put(
            record.toString(), record.contentType() + " " + record.labels() + " " + record.text());
      }
    }
    return found;
  }

  @Test
  void aliasesLiveInTheFileOfReductCli() throws IOException {
    cli.ok("alias", "add", "-L", "https://robot.local/base", "play");
    assertThat(cli.config())
        .content()
        .contains(
            "[aliases.local]\nurl = \""
                + server.url()
                + "/\"\ntoken = \"secret\"\n"
                + "ignore_ssl = false\ntimeout = 30\nparallel = 10\n");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(cli.config())))
        .isEqualTo("rw-------");
    assertThat(cli.ok("alias", "ls"))
        .isEqualTo("local: " + server.url() + "/\nplay: https://robot.local/base/");
    assertThat(cli.ok("--json", "alias", "ls")).contains("\"***\"").doesNotContain("secret");
    assertThat(cli.ok("alias", "ls", "--json", "--show-tokens")).contains("secret");
    assertThat(cli.fails(5, "alias", "add", "play", "-L", "http://x"))
        .isEqualTo("Alias 'play' already exists\n");
    assertThat(cli.fails(1, "alias", "add", "x", "-L", "foo"))
        .isEqualTo("relative URL without a base\n");
    cli.ok("alias", "rm", "play");
    assertThat(cli.fails(4, "alias", "rm", "play")).isEqualTo("Alias 'play' does not exist\n");
    Path token = Files.writeString(folder.resolve("token"), "from-a-file\n");
    cli.ok("alias", "add", "filed", "-L", server.url(), "--token-file", token.toString());
    assertThat(Files.readString(cli.config())).contains("token = \"from-a-file\"");
    // What the oldest tool wrote, and what a person wrote.
    Files.writeString(
        cli.config(), "# mine\n[aliases.old]\nurl = 'http://a/'\ntoken = \"t\\\"\\u0041\"\n");
    assertThat(cli.ok("alias", "ls", "--json", "--show-tokens"))
        .isEqualTo(
            "{\"old\":{\"url\":\"http://a/\",\"token\":\"t\\\"A\",\"ignore_ssl\":false,"
                + "\"timeout\":30,\"parallel\":10,\"ca_cert\":null}}");
    cli.ok("alias", "add", "new", "-L", "http://b");
    assertThat(cli.ok("alias", "show", "old", "-t")).endsWith("Token: t\"A");
    Files.writeString(cli.config(), "[aliases.old]\ntoken = \"secret\n");
    assertThat(cli.fails(1, "alias", "ls"))
        .contains("Failed to parse config file")
        .contains("line 2")
        .doesNotContain("secret");
  }

  @Test
  void optionsOfAllCommandsStandAnywhere() {
    assertThat(cli.ok("-T", "5", "-j", "server", "-p4", "status", "local")).startsWith("{");
    assertThat(cli.ok("server", "status", "local", "--timeout=5", "--json")).startsWith("{");
    assertThat(cli.fails(2, "server", "status", "local", "-T", "0")).contains("must be positive");
    assertThat(cli.fails(2, "nosuch")).startsWith("error: unrecognized subcommand 'nosuch'");
    assertThat(cli.fails(2)).contains("Usage: pannier").contains("bucket");
    assertThat(cli.ok("bucket", "--help")).contains("Manage buckets", "create");
    assertThat(cli.ok("help", "cp")).contains("--from-last");
  }

  @Test
  void errorsHaveTheirCodes() throws IOException {
    assertThat(cli.fails(4, "bucket", "show", "local/none"))
        .isEqualTo("[NotFound] Bucket 'none' is not found\n");
    assertThat(cli.fails(4, "bucket", "show", "local/none", "-j"))
        .isEqualTo("{\"status_code\":404,\"error_message\":\"Bucket 'none' is not found\"}\n");
    assertThat(cli.fails(3, "bucket", "ls", "http://wrong@127.0.0.1:" + server.port() + "/"))
        .isEqualTo("[Unauthorized] Invalid token\n");
    assertThat(cli.fails(6, "server", "alive", "http://127.0.0.1:9"))
        .startsWith("[ConnectionError] Cannot connect to 127.0.0.1:9");
    assertThat(cli.fails(1, "bucket", "ls", "none"))
        .isEqualTo("'none' isn't an alias or a valid URL\n");
    assertThat(cli.fails(2, "bucket", "show", "local"))
        .startsWith("error: invalid value 'local' for '<BUCKET_PATH>'");
    assertThat(cli.fails(2, "bucket", "show", "http://tok@127.0.0.1:9/")).doesNotContain("tok@");
    assertThat(cli.fails(2, "bucket", "create", "local/b", "-R", "20"))
        .contains("'--block-records <NUMBER>': 20 is not in 32..4048");
    assertThat(cli.fails(2, "bucket", "create", "local/b", "-s", "10Xb")).contains("'10Xb'");
    // Nobody can be asked here.
    bucket("kept");
    assertThat(cli.fails(1, "bucket", "rm", "local/kept")).contains("not a terminal");
    assertThat(client.hasBucket("kept")).isTrue();
  }

  @Test
  void buckets() {
    assertThat(cli.ok("bucket", "create", "local/a", "-Q", "FIFO", "-s", "1GiB", "-R", "50"))
        .isEqualTo("Bucket 'a' created");
    assertThat(client.bucket("a").settings().quotaSize()).isEqualTo(1 << 30);
    assertThat(cli.ok("bucket", "update", "local/a", "-b", "1MB")).isEqualTo("Bucket 'a' updated");
    assertThat(client.bucket("a").settings().maxBlockRecords()).isEqualTo(50);
    filled("a");
    assertThat(cli.ok("bucket", "ls", "local").lines()).contains("a");
    assertThat(cli.ok("bucket", "ls", "-f", "local")).contains("| Name", "✅ Ready", "Z |");
    assertThat(cli.ok("bucket", "show", "local/a", "--full"))
        .contains("Quota Type: FIFO", "Max. Block Size: 1.0 MB", "| cam/front | 5 ");
    assertThat(cli.ok("bucket", "rename", "local/a", "b", "--json")).isEqualTo("{}");
    assertThat(cli.ok("bucket", "rename", "--only-entry", "imu", "local/b", "imu2"))
        .isEqualTo("Entry 'imu' renamed to 'imu2'");
    assertThat(cli.ok("bucket", "rm", "local/b", "-e", "cam*", "-y"))
        .isEqualTo("Entries [\"cam\", \"cam/front\"] deleted");
    assertThat(cli.ok("bucket", "rm", "local/b", "-e", "none*", "-y"))
        .isEqualTo("No entries found to delete");
    assertThat(contents(client.bucket("b"))).hasSize(5);
    assertThat(cli.ok("bucket", "rm", "local/b", "--yes")).isEqualTo("Bucket 'b' deleted");
  }

  @Test
  void tokens() throws IOException {
    String made =
        cli.ok(
            "token",
            "create",
            "local/t",
            "-r",
            "a",
            "b*",
            "-w",
            "a",
            "--ttl",
            "1h",
            "--ip-allow",
            "127.0.0.1");
    assertThat(made).startsWith("Token 't' created: t-");
    assertThat(cli.ok("token", "show", "local/t"))
        .contains("TTL: 3600", "Read Buckets: [\"a\", \"b*\"]", "Write Buckets: [\"a\"]");
    assertThat(cli.json("token", "create", "local/t2", "-A"))
        .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.MAP)
        .containsKeys("value", "created_at");
    Path file = folder.resolve("value");
    String told = cli.ok("token", "rotate", "local/t", "-o", file.toString());
    String value = Files.readString(file).strip();
    assertThat(told).doesNotContain(value);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    try (var rotated = PannierClient.connect(server.url(), value)) {
      assertThat(rotated.me().name()).isEqualTo("t");
    }
    assertThat(cli.ok("token", "ls", "local").lines()).containsExactly("init-token", "t", "t2");
    assertThat(cli.ok("token", "ls", "local", "-f")).contains("IP Allowlist", "127.0.0.1");
    assertThat(cli.fails(1, "token", "create", "local/t3", "--ttl", "1x"))
        .isEqualTo("invalid --ttl '1x': invalid duration '1x': use units s, m, h, d\n");
    assertThat(cli.ok("token", "rm", "local/t", "-y")).isEqualTo("Token 't' deleted");
  }

  @Test
  void replications() {
    filled("src");
    bucket("dst");
    cli.ok(
        "replica",
        "create",
        "local/r",
        "src",
        "local/dst",
        "-n",
        "imu",
        "cam*",
        "--prefix",
        "p/",
        "-c",
        "zstd",
        "-w",
        "{\"&n\": {\"$gt\": 1}}");
    assertThat(cli.ok("replica", "show", "local/r"))
        .contains("Compression: Zstd", "Destination Prefix: p/", "Entries: [\"imu\", \"cam*\"]");
    // What is not said stays, the token and the compression, too.
    cli.ok("replica", "update", "local/r", "-n", "imu", "-w", "null");
    var settings = client.replication("r").settings();
    assertThat(settings.compression()).isEqualTo(io.pannier.client.Coding.ZSTD);
    assertThat(settings.entries()).containsExactly("imu");
    assertThat(settings.when()).isEmpty();
    assertThat(cli.ok("replica", "pause", "local/r")).isEqualTo("Replication 'r' paused");
    assertThat(cli.ok("replica", "ls", "-f", "local")).contains("⏸ Paused");
    assertThat(cli.ok("replica", "disable", "local/r")).isEqualTo("Replication 'r' disabled");
    assertThat(cli.ok("replication", "enable", "local/r")).isEqualTo("Replication 'r' enabled");
    assertThat(cli.ok("replica", "rm", "local/r", "-y")).isEqualTo("Replication 'r' deleted");
    // The spelling of the articles: a token in the address.
    String address = "http://" + LiveServer.TOKEN + "@localhost:" + server.port() + "/dst";
    cli.ok("replica", "create", "local/all", "src", address, "--from", "oldest");
    Bucket target = client.bucket("dst");
    while (contents(target).size() < 10) {
      Thread.onSpinWait();
    }
    assertThat(contents(target)).isEqualTo(contents(client.bucket("src")));
    assertThat(cli.ok("replica", "show", "local/all", "-j")).doesNotContain(LiveServer.TOKEN);
  }

  @Test
  void lifecycles() {
    bucket("b");
    cli.ok(
        "lifecycle",
        "create",
        "local/l",
        "b",
        "--older-than",
        "2h",
        "--interval",
        "20m",
        "-n",
        "x*");
    cli.ok("lc", "update", "local/l", "--max-age", "3h");
    assertThat(cli.ok("lc", "show", "local/l"))
        .contains("Older Than: 3h", "Interval: 20m", "Entries: [\"x*\"]");
    assertThat(cli.ok("lc", "dry-run", "local/l")).isEqualTo("Lifecycle 'l' set to dry run");
    assertThat(cli.ok("lc", "ls", "local", "-f")).contains("🧪 Dry Run");
    assertThat(cli.ok("lc", "disable", "local/l")).isEqualTo("Lifecycle 'l' disabled");
    assertThat(cli.ok("lc", "enable", "local/l")).isEqualTo("Lifecycle 'l' enabled");
    assertThat(cli.fails(2, "lc", "create", "local/m", "b")).contains("--older-than <DURATION>");
    assertThat(cli.ok("lc", "rm", "local/l", "-y")).isEqualTo("Lifecycle 'l' deleted");
  }

  @Test
  void attachments() {
    filled("b");
    cli.ok("attachment", "write", "local/b/cam/front", "k", "{\"a\": [1, null]}");
    cli.ok("attachment", "write", "local/b/cam/front", "$k", "1");
    assertThat(cli.ok("attachment", "ls", "local/b/cam/front")).isEqualTo("$k\nk");
    assertThat(cli.ok("attachment", "read", "local/b/cam/front", "k"))
        .isEqualTo("k: {\"a\":[1,null]}");
    assertThat(cli.fails(4, "attachment", "read", "local/b/imu", "none"))
        .isEqualTo("Attachment 'none' not found in 'local/b/imu'\n");
    assertThat(cli.fails(1, "attachment", "write", "local/b/imu", "k", "bad"))
        .startsWith("Failed to parse attachment value for key 'k'");
    cli.ok("attachment", "rm", "local/b/cam/front", "--all");
    assertThat(cli.ok("attachment", "ls", "http://secret@127.0.0.1:" + server.port() + "/b/imu"))
        .isEmpty();
  }

  @Test
  void writeAndRead() throws IOException {
    bucket("b");
    assertThat(
            cli.ok(
                "write",
                "local/b/x/y",
                "-s",
                "hello",
                "-t",
                "1970-01-01T00:00:01.5Z",
                "-l",
                "a=1, b=2"))
        .isEqualTo("Record written to 'b/x/y'");
    assertThat(contents(client.bucket("b")))
        .containsEntry("x/y@1500000", "text/plain {a=1, b=2} hello");
    Path file = Files.writeString(folder.resolve("f.json"), "{}");
    assertThat(cli.ok("write", "local/b/x/y", "-f", file.toString(), "-t", "2000000", "--json"))
        .contains("\"timestamp_us\":2000000", "\"bytes_written\":2");
    assertThat(cli.bytes("cat", "local/b/x/y")).asString().isEqualTo("{}");
    assertThat(cli.bytes("cat", "local/b/x/y", "-t", "1500000")).asString().isEqualTo("hello");
    assertThat(cli.ok("cat", "local/b/x/y", "-j"))
        .contains("\"content_type\":\"application/json\"");
    assertThat(cli.fails(5, "write", "local/b/x/y", "-s", "again", "-t", "2000000"))
        .isEqualTo("[Conflict] A record with timestamp 2000000 already exists\n");
    assertThat(cli.fails(1, "write", "local/b/x/y", "-s", "a", "-t", "foo"))
        .startsWith("Invalid timestamp: Failed to parse time foo: expected Unix microseconds");
    assertThat(cli.fails(1, "write", "local/b", "-s", "a"))
        .isEqualTo("ENTRY_PATH must be alias/bucket/path/to/entry\n");
    assertThat(cli.fails(2, "write", "local/b/x")).contains("--string <PAYLOAD>");
    assertThat(cli.ok("ls", "local/b")).isEqualTo("x\nx/y");
    assertThat(cli.ok("ls", "local").lines()).contains("b");
    assertThat(cli.ok("ls")).isEqualTo("local");
    assertThat(cli.ok("ls", "local/b/x/y").lines().findFirst().orElseThrow())
        .isEqualTo("1500000  x/y  5 B  text/plain  {\"a\":\"1\",\"b\":\"2\"}");
    assertThat(cli.ok("query", "local/b", "-w", "{\"&a\": {\"$eq\": 1}}", "--json"))
        .contains("\"timestamp\":1500000")
        .doesNotContain("2000000");
    assertThat(cli.ok("explain", "local/b/x/y", "-w", "{\"&a\": {\"$eq\": 1}}")).startsWith("{");
    String link = cli.ok("link", "local/b/x/y", "-t", "1500000", "--file-name", "hi.txt");
    try (StoredRecord record = PannierClient.openLink(link)) {
      assertThat(record.text()).isEqualTo("hello");
    }
  }

  @Test
  void exportsHaveTheLayoutOfReductCliAndComeBack() throws IOException {
    Bucket bucket = filled("b");
    bucket.write("raw", 7, new byte[] {(byte) 0xff, (byte) 0xd8, (byte) 0xff, 1});
    bucket.write(
        "raw", 8, "nothing special, but more than sixteen bytes".getBytes(StandardCharsets.UTF_8));
    bucket.write("raw", 9, new byte[0]);
    Path out = folder.resolve("out");
    assertThat(cli.ok("cp", "local/b", out.toString(), "--with-meta"))
        .isEqualTo("Copied 13 records (118 B) from bucket 'b'");
    assertThat(out.resolve("cam/front/1000000.jpg")).hasContent("picture 1");
    assertThat(out.resolve("imu/5000000.csv")).hasContent("5,2,3");
    assertThat(out.resolve("raw/7.jpg")).exists();
    assertThat(out.resolve("raw/8.bin")).hasSize(44);
    assertThat(out.resolve("raw/9.bin")).isEmptyFile();
    assertThat(out.resolve("cam/front/1000000-meta.json"))
        .hasContent(
            """
            {
              "timestamp": 1000000,
              "labels": {
                "n": "1"
              },
              "content_type": "image/jpeg",
              "content_length": 9
            }\
            """);
    cli.ok("put", out.toString(), "local/back");
    assertThat(contents(client.bucket("back"))).isEqualTo(contents(bucket));
    // Again: nothing is to be done. And what differs is told.
    assertThat(cli.ok("put", out.toString(), "local/back")).contains("Wrote 0 (skipped 13)");
    Files.writeString(out.resolve("imu/5000000.csv"), "changed");
    assertThat(cli.fails(7, "put", out.toString(), "local/back", "-q")).contains("5000000.csv");
  }

  @Test
  void exportsAreFilteredAndGoOn() throws IOException {
    Bucket bucket = filled("b");
    Path out = folder.resolve("out");
    cli.ok(
        "cp",
        "local/b",
        out.toString(),
        "-n",
        "cam*",
        "--start",
        "2000000",
        "--stop",
        "1970-01-01T00:00:05Z",
        "-w",
        "{\"&n\": {\"$ne\": 3}}",
        "-x",
        "jpeg",
        "-q");
    try (var files = Files.list(out.resolve("cam/front"))) {
      assertThat(files.map(file -> file.getFileName().toString()).sorted())
          .containsExactly("2000000.jpeg", "4000000.jpeg");
    }
    assertThat(cli.ok("cp", "local/b/imu", folder.resolve("few").toString(), "--limit", "2"))
        .startsWith("Copied 2 records");
    assertThat(cli.ok("cp", "local/b/imu", folder.resolve("few").toString(), "--resume"))
        .startsWith("Copied 3 records");
    assertThat(cli.ok("cp", "local/b/imu", folder.resolve("few").toString(), "--resume"))
        .startsWith("Copied 0 records");
    // The oldest spelling: any second argument is a folder.
    String old = folder.resolve("old").toString();
    new Cli(folder)
        .calledAs("rcli")
        .ok(
            "-t",
            "9",
            "export",
            "folder",
            "--ext",
            "jpeg",
            "--include",
            "n=2",
            "--with-metadata",
            "local/b",
            old);
    assertThat(folder.resolve("old/cam/front/2000000.jpeg")).hasContent("picture 2");
    assertThat(folder.resolve("old/cam/front/2000000.json")).content().contains("\"size\": 9");
    assertThat(folder.resolve("old/imu")).doesNotExist();
    assertThat(bucket.entries()).hasSize(3);
  }

  @Test
  void exportsIntoOneFile() throws Exception {
    Bucket bucket = filled("b");
    bucket.write("a".repeat(120), 1, new byte[] {(byte) 0xff, 0});
    cli.ok("cp", "local/b", folder.toString(), "--format", "ndjson");
    List<String> lines = Files.readAllLines(folder.resolve("b.ndjson"));
    assertThat(lines).hasSize(11);
    assertThat(Json.parseObject(lines.getFirst())).containsEntry("base64", "/wA=");
    assertThat(Json.parseObject(lines.get(1)))
        .containsEntry("entry", "cam/front")
        .containsEntry("text", "picture 1")
        .containsEntry("labels", Map.of("n", "1"));
    cli.ok("cp", "local/b", folder.resolve("mine.csv").toString(), "--format", "csv", "-n", "imu");
    assertThat(folder.resolve("mine.csv"))
        .content()
        .startsWith(
            """
            entry,timestamp,content_type,content_length,labels,text,base64
            imu,1000000,text/csv; header=1,5,{},"1,2,3",
            """);
    cli.ok("cp", "local/b", folder.toString(), "--format", "parquet");
    assertThat(folder.resolve("b.parquet.part")).doesNotExist();
    try (var duck = java.sql.DriverManager.getConnection("jdbc:duckdb:");
        var statement = duck.createStatement();
        var rows =
            statement.executeQuery(
                "SELECT count(*), max(labels['n']), max(decode(body)) FROM '"
                    + folder.resolve("b.parquet")
                    + "' WHERE entry = 'cam/front'")) {
      assertThat(rows.next()).isTrue();
      assertThat(rows.getLong(1)).isEqualTo(5);
      assertThat(rows.getString(3)).startsWith("picture ");
    }
    cli.ok("cp", "local/b", folder.toString(), "--format", "tar", "--with-meta");
    Process tar =
        new ProcessBuilder("tar", "-xf", "b.tar", "--one-top-level=untarred")
            .directory(folder.toFile())
            .inheritIO()
            .start();
    assertThat(tar.waitFor()).isZero();
    assertThat(folder.resolve("untarred/cam/front/3000000.jpg")).hasContent("picture 3");
    assertThat(folder.resolve("untarred/" + "a".repeat(120) + "/1.bin")).hasSize(2);
    assertThat(folder.resolve("b.tar.part")).doesNotExist();
  }

  @Test
  void exportsAsRecordings() throws Exception {
    Bucket bucket = filled("b");
    bucket.writeAttachments(
        "chat",
        Map.of(
            "$schema",
            "{\"encoding\":\"cdr\",\"topic\":\"/chatter\",\"schema_name\":\"std_msgs/String\",\"schema\":\"string data\"}"));
    byte[] hello = {0, 1, 0, 0, 3, 0, 0, 0, 'h', 'i', 0};
    bucket.write("chat", 7_000_001, hello);
    bucket.write("chat", -2L, hello);
    String end = "18446744073709551615";
    Path all = folder.resolve("all.mcap");
    assertThat(cli.ok("cp", "local/b", all.toString(), "--format", "mcap", "--stop", end))
        .startsWith("Copied 12 records");
    try (FileChannel file = FileChannel.open(all)) {
      McapReader reader = McapReader.open(RangeSource.of(file));
      assertThat(reader.summary().damage()).isEmpty();
      assertThat(reader.header().profile()).isEmpty();
      assertThat(messages(reader, "/imu", "text/csv; header=1", "imu"))
          .startsWith("1000000000 1,2,3")
          .hasSize(5);
      assertThat(messages(reader, "/chatter", "cdr", "chat"))
          .hasSize(2)
          .anyMatch(line -> line.startsWith("7000001000 "))
          .anyMatch(line -> line.startsWith("18446744073709551615 "));
      var schema = reader.summary().schemas().values().iterator().next();
      assertThat(schema.name()).isEqualTo("std_msgs/msg/String");
      assertThat(schema.encoding()).isEqualTo("ros2msg");
      assertThat(notes(reader))
          .hasSize(5)
          .first()
          .asString()
          .isEqualTo(
              "{\"entry\":\"cam/front\",\"timestamp\":1000000,\"labels\":{\"n\":\"1\"},"
                  + "\"content_type\":\"image/jpeg\",\"content_length\":9}");
      assertThat(reader.metadata(reader.summary().metadata().getFirst()).metadata())
          .containsOnlyKeys("$schema");
    }
    Path out = folder.resolve("out");
    cli.ok("cp", "local/b", out.toString(), "--format", "mcap", "--with-meta", "-e", end);
    assertThat(out.resolve("cam/front.mcap")).exists();
    try (FileChannel file = FileChannel.open(out.resolve("chat.mcap"))) {
      McapReader reader = McapReader.open(RangeSource.of(file));
      assertThat(reader.header().profile()).isEqualTo("ros2");
      assertThat(notes(reader)).last().asString().contains("\"timestamp\":18446744073709551614");
    }
    // A recording in a recording, whatever its type says.
    bucket.write("drive", 1, Files.readAllBytes(all));
    assertThat(cli.fails(7, "cp", "local/b", out.toString(), "--format", "mcap"))
        .contains("Record drive@1 is an MCAP file itself");
    assertThat(out.resolve("drive.mcap")).doesNotExist();
    assertThat(out.resolve("drive.mcap.part")).doesNotExist();
    assertThat(cli.fails(2, "cp", "local/b", out.toString(), "--format", "mcap", "--resume"))
        .contains("'--resume' cannot be used with '--format mcap'");
  }

  /** Log time and body of each message of a topic; type or encoding, and entry, are as expected. */
  private static List<String> messages(
      McapReader reader, String topic, String encoding, String entry) throws IOException {
    List<String> found = new java.util.ArrayList<>();
    MessageCursor cursor = reader.messages(MessageSelection.topics(topic));
    for (var next = cursor.next(); next != null; next = cursor.next()) {
      assertThat(next.channel().messageEncoding()).isEqualTo(encoding);
      assertThat(next.channel().metadata()).containsEntry("entry", entry);
      found.add(
          Long.toUnsignedString(next.message().logTime())
              + " "
              + StandardCharsets.UTF_8.decode(next.message().data()));
    }
    return found;
  }

  private static List<String> notes(McapReader reader) throws IOException {
    assertThat(reader.summary().attachments()).hasSize(1);
    var notes = reader.attachment(reader.summary().attachments().getFirst());
    assertThat(notes.name()).isEqualTo("pannier-records-1.ndjson");
    return StandardCharsets.UTF_8.decode(notes.data()).toString().lines().toList();
  }

  @Test
  void copiesBetweenBuckets() {
    Bucket source = filled("b");
    source.write("large", Outgoing.of(3, Body.of(new byte[700_000])).labels("x", "y"));
    source.writeAttachments("imu", Map.of("k", "1"));
    assertThat(cli.ok("cp", "local/b", "local/c")).startsWith("Copied 11 records (700.1 kB)");
    assertThat(contents(client.bucket("c"))).isEqualTo(contents(source));
    assertThat(client.bucket("c").attachments("imu")).containsOnlyKeys("k");
    assertThat(cli.json("cp", "local/b", "local/c"))
        .isEqualTo(
            Map.of("records", 0L, "skipped", 11L, "bytes", 0L, "errors", Map.of(), "bucket", "b"));
    source.write("imu", 6_000_000, new byte[2]);
    assertThat(cli.ok("cp", "local/b", "local/c", "--from-last")).startsWith("Copied 1 records");
    assertThat(cli.ok("cp", "local/b*", "local"))
        .contains("Copying bucket 'b' from 'local' to 'local'");
    assertThat(cli.fails(1, "cp", "local/b", "local")).startsWith("Destination bucket is required");
    assertThat(cli.fails(1, "cp", "./x", "local/b"))
        .startsWith("Folder to bucket copy is not supported.");
    assertThat(cli.fails(1, "cp", "local/*", "./x")).startsWith("Wildcard bucket copy requires");
    assertThat(cli.fails(4, "cp", "local/zz*", "local"))
        .startsWith("No buckets matched pattern 'zz*'");
    assertThat(cli.fails(1, "cp", "local/b", "local/c", "--from-last", "--start", "1"))
        .isEqualTo("--from-last can't be used with --start\n");
  }

  @Test
  void mirrorsByDigest() {
    Bucket source = filled("b");
    cli.ok("cp", "local/b", "local/c", "-q");
    Bucket target = client.bucket("c");
    target.removeRecord("imu", 1_000_000);
    target.removeRecord("imu", 2_000_000);
    target.write("imu", Outgoing.of(2_000_000, Body.of("x,2,3")).type("text/csv; header=1"));
    target.updateLabels("cam/front", 3_000_000, Labels.of("n", "", "m", "1"));
    target.write("more", 1, new byte[1]);
    assertThat(cli.ok("mirror", "local/b", "local/c", "--dry-run", "--delete", "-q"))
        .isEqualTo(
            "Would mirror bucket 'b': 7 equal, 1 copied, 1 replaced, 1 relabelled, 1 removed");
    assertThat(target.find("imu", 1_000_000)).isEmpty();
    cli.ok("mirror", "local/b", "local/c", "--delete", "-q");
    assertThat(contents(target)).isEqualTo(contents(source));
    assertThat(cli.ok("mirror", "local/b", "local/c")).contains("10 equal, 0 copied");
  }

  @Test
  void removesRecords() {
    filled("b");
    assertThat(cli.ok("rm", "local/b", "--entries", "imu", "--time", "1000000", "7"))
        .isEqualTo("Removed 1 records from 'imu'");
    assertThat(cli.ok("rm", "local/b", "-w", "{\"&n\": {\"$lt\": 3}}"))
        .contains("Removed 2 records from 'cam/front'", "Removed 0 records from 'imu'");
    assertThat(cli.ok("rm", "local/b/imu", "--start", "2000000", "--stop", "4000000"))
        .isEqualTo("Removed 2 records from 'imu'");
    assertThat(Json.write(cli.json("rm", "local/b", "-n", "imu", "-b", "9000000")))
        .isEqualTo(
            "[{\"entry_name\":\"imu\",\"records_removed\":0,\"status_code\":0,\"error_message\":\"\"}]");
    assertThat(contents(client.bucket("b"))).hasSize(5);
    cli.ok("rm", "local/b");
    assertThat(contents(client.bucket("b"))).isEmpty();
  }

  @Test
  void watches() throws Exception {
    Bucket bucket = filled("b");
    assertThat(cli.ok("tail", "local/b", "-l", "3").lines())
        .hasSize(3)
        .last()
        .asString()
        .contains("5000000  imu");
    var tail =
        CompletableFuture.supplyAsync(
            () -> cli.ok("tail", "local/b/imu", "-f", "-l", "1", "-c", "1", "--text", "-b", "0"));
    while (!tail.isDone()) {
      long now = bucket.findLatest("imu").orElseThrow().timestamp();
      bucket.write(
          "imu",
          Outgoing.of(
              Math.max(now + 1, new io.pannier.model.SystemClock().wallMicros()),
              Body.of("fresh")));
    }
    assertThat(tail.get().lines()).last().isEqualTo("fresh");
    assertThat(cli.ok("top", "local", "-d", "0.01", "-c", "1")).contains("| b/imu", "Records/s");
    assertThat(cli.ok("top", "local/b", "-d", "0.01", "-c", "1", "-j"))
        .startsWith("[{\"name\":\"b/");
    assertThat(cli.ok("du", "local/b")).contains("| imu", "(all)");
    assertThat(cli.ok("du", "local", "-a")).contains("b/cam/front");
    assertThat(cli.json("du", "local"))
        .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.LIST)
        .isNotEmpty();
    bucket("dst");
    cli.ok("replica", "create", "local/broken", "b", "http://127.0.0.1:9/dst");
    assertThat(cli.ok("replica", "disable", "local/broken")).contains("disabled");
    assertThat(cli.ok("doctor", "local"))
        .contains(
            "answers in", "'init-token' with full access", "replication 'broken': is disabled");
    assertThat(cli.run("doctor", "http://127.0.0.1:9").exit()).isEqualTo(6);
  }

  @Test
  void shellsAndManuals() throws IOException {
    assertThat(cli.ok("completion", "bash"))
        .contains("complete", "pannier", "_picocli_pannier_bucket");
    assertThat(cli.ok("completion", "zsh")).startsWith("#compdef pannier");
    assertThat(cli.ok("completion", "fish"))
        .contains("complete -c pannier -f -n '__fish_use_subcommand' -a bucket");
    assertThat(cli.fails(2, "completion", "csh")).contains("expected bash, zsh or fish");
    cli.ok("man", "--out", folder.resolve("man1").toString());
    assertThat(folder.resolve("man1/pannier.1")).content().contains(".BR pannier\\-bucket (1)");
    assertThat(folder.resolve("man1/pannier-bucket-create.1"))
        .content()
        .contains(".SH OPTIONS", "quota\\-size", ".SH SYNOPSIS");
    assertThat(cli.ok("man", "cp")).startsWith(".TH PANNIER\\-CP 1");
  }

  @Test
  void theListOfCommandsSaysWhatTheySay() {
    var whole = Main.commandLine();
    for (Commands command : Commands.values()) {
      if (!command.description().isEmpty()) {
        var spec = whole.getSubcommands().get(command.word()).getCommandSpec();
        assertThat(spec.name()).isEqualTo(command.word());
        assertThat(String.join(" ", spec.usageMessage().description()))
            .as(command.word())
            .isEqualTo(command.description());
        assertThat(List.of(spec.aliases())).as(command.word()).isEqualTo(command.aliases());
      }
    }
  }

  /** The same questions to both programs about the same store. */
  @Test
  void answersAsReductCliDoes() throws Exception {
    String named = System.getenv("REDUCT_CLI");
    // Where checks/50-cli.sh builds it.
    Path built =
        Path.of("")
            .toAbsolutePath()
            .resolveSibling("target/tools/reduct-cli-0.13.0/bin/reduct-cli");
    String program = named == null || named.isEmpty() ? built.toString() : named;
    Assumptions.assumeTrue(Files.isExecutable(Path.of(program)), "no REDUCT_CLI");
    filled("b");
    bucket("dst");
    client.createToken(
        "t", io.pannier.client.TokenOptions.of(io.pannier.client.Permissions.reading("b", "d*")));
    cli.ok(
        "replica", "create", "local/r", "b", "local/dst", "-n", "x", "-w", "{\"&a\":{\"$eq\":1}}");
    cli.ok("replica", "disable", "local/r");
    cli.ok("lc", "create", "local/l", "b", "--older-than", "2h", "-n", "x*");
    cli.ok("attachment", "write", "local/b/imu", "k", "{\"a\":1}");
    String[][] questions = {
      {"alias", "ls"},
      {"server", "alive", "local"},
      {"server", "license", "local"},
      {"bucket", "ls", "local"},
      {"bucket", "show", "local/b"},
      {"bucket", "show", "local/b", "--full"},
      {"bucket", "show", "local/b", "--json"},
      {"bucket", "show", "local/b", "--full", "--json"},
      {"token", "ls", "local"},
      {"token", "ls", "local", "--json"},
      {"token", "show", "local/t"},
      {"token", "show", "local/t", "--json"},
      {"replica", "ls", "local"},
      {"replica", "ls", "local", "--full"},
      {"replica", "show", "local/r"},
      {"lifecycle", "ls", "local", "--full"},
      {"lc", "show", "local/l"},
      {"attachment", "ls", "local/b/imu"},
      {"attachment", "read", "local/b/imu"},
      {"attachment", "read", "local/b/imu", "--json"},
      {"cp", "local/b", folder.resolve("twice").toString(), "-q"},
    };
    for (String[] question : questions) {
      List<String> words = new java.util.ArrayList<>(List.of(program));
      words.addAll(List.of(question));
      var builder = new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.INHERIT);
      builder.environment().put("HOME", folder.resolve("home").toString());
      Process process = builder.start();
      process.getOutputStream().close();
      String theirs = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor()).as("%s", List.of(question)).isZero();
      assertThat(blanks(cli.ok(question))).as("%s", List.of(question)).isEqualTo(blanks(theirs));
    }
  }

  /** Widths of columns may differ. */
  private static String blanks(String text) {
    return text.replaceAll("[ \t]+", " ")
        .replaceAll(" ?\n ?", "\n")
        .replaceAll("-{4,}", "----")
        .strip();
  }
}
