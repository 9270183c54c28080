package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollDomainDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainDatagramPacket;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;

/** {@code serve} and {@code settings}: what they print, what they tell the shell. */
@Timeout(60)
class ServeCommandTest {
  @TempDir Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @AfterEach
  void quiet() {
    ((ch.qos.logback.classic.Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME))
        .setLevel(ch.qos.logback.classic.Level.INFO);
  }

  private Map<String, String> variables(String... namesAndTexts) {
    var variables = new HashMap<String, String>();
    variables.put("RS_DATA_PATH", folder.resolve("data").toString());
    variables.put("RS_HOST", "127.0.0.1");
    variables.put("RS_PORT", "0");
    for (int i = 0; i < namesAndTexts.length; i += 2) {
      variables.put(namesAndTexts[i], namesAndTexts[i + 1]);
    }
    return variables;
  }

  private int run(Object command, String... arguments) {
    return new CommandLine(command)
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(arguments);
  }

  /** What is done while the server runs. */
  private interface Use {
    void with(String url) throws Exception;
  }

  private void serve(Map<String, String> variables, Use use) throws Exception {
    out.getBuffer().setLength(0);
    var thread = new Thread(() -> run(new ServeCommand(variables)));
    thread.start();
    // What a start prints last: the folder, or the token when it is one that a start has made.
    String end = variables.containsKey("RS_API_TOKEN") ? " {2}data .*\n" : " {2}token .*\n";
    Matcher address = Pattern.compile("address {2}(http://\\S+)\n(?:.*\n)*" + end).matcher("");
    while (!address.reset(out.toString()).find()) {
      assertThat(thread.isAlive()).as(err.toString()).isTrue();
      Thread.onSpinWait();
    }
    try {
      use.with(address.group(1));
    } finally {
      thread.interrupt();
      thread.join();
    }
  }

  private static int status(String url, String token) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client
          .send(
              HttpRequest.newBuilder(URI.create(url + "/api/v1/info"))
                  .header("authorization", "Bearer " + token)
                  .build(),
              HttpResponse.BodyHandlers.discarding())
          .statusCode();
    }
  }

  @Test
  void allMistakesAreToldAndNothingIsMade() {
    int code =
        run(
            new ServeCommand(
                variables("RS_HOST", "localhost", "RS_PORT", "x", "RS_BUCKET_A_NAME", "a b")),
            "--port",
            "8383");
    assertThat(code).isEqualTo(2);
    assertThat(err.toString())
        .contains("Error: RS_HOST is 'localhost': expected an IP address")
        .contains("Error: RS_BUCKET_A_NAME is 'a b': expected a name")
        .contains("does not start")
        // The command line goes first.
        .doesNotContain("is 'x'");
    assertThat(out.toString()).doesNotContain("ready");
    assertThat(folder.resolve("data")).doesNotExist();
  }

  @Test
  void aPortInUseIsAFailureWithAReason() throws IOException {
    try (var other = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      String port = "" + other.getLocalPort();
      assertThat(run(new ServeCommand(variables("RS_PORT", port)))).isEqualTo(1);
      assertThat(err.toString())
          .contains("Server cannot start: cannot listen on 127.0.0.1:" + port)
          .contains("in use");
    }
  }

  @Test
  void aForeignFolderIsAFailureWithAReason() throws IOException {
    Files.createDirectories(folder.resolve("data"));
    Files.writeString(folder.resolve("data/holiday.jpg"), "x");
    assertThat(run(new ServeCommand(variables()))).isEqualTo(1);
    assertThat(err.toString()).contains("is refused");
  }

  @Test
  void theBannerHasWhatIsSetAndNoSecret() throws Exception {
    serve(
        variables(
            "RS_API_TOKEN", "hush",
            "RS_IO_BATCH_TIMEOUT", "soon",
            "RS_LICENSE_PATH", "/l",
            "RS_PROT", "1"),
        url -> {
          assertThat(status(url, "hush")).isEqualTo(200);
          assertThat(status(url, "other")).isEqualTo(401);
        });
    assertThat(out.toString())
        .contains("RS_API_TOKEN = ****\n")
        .contains("RS_IO_BATCH_TIMEOUT = 5 (invalid)\n")
        .contains("RS_LICENSE_PATH = /l (ignored: ")
        .contains("is ready")
        .doesNotContain("hush")
        .doesNotContain("default");
    assertThat(err.toString())
        .contains("Warning: RS_IO_BATCH_TIMEOUT is 'soon': expected seconds")
        .contains("Warning: RS_PROT is unknown; did you mean RS_PORT?");
  }

  @Test
  void withoutATokenTheFirstStartMakesOne() throws Exception {
    var made = new ArrayList<String>();
    serve(
        variables(),
        url -> {
          Matcher token = Pattern.compile("token {4}(\\S{40,})\n").matcher(out.toString());
          assertThat(token.find()).isTrue();
          made.add(token.group(1));
          assertThat(status(url, made.getFirst())).isEqualTo(200);
        });
    serve(
        variables(),
        url -> {
          assertThat(out.toString()).doesNotContain(made.getFirst());
          assertThat(status(url, made.getFirst())).isEqualTo(200);
          assertThat(status(url, "")).isEqualTo(401);
        });
  }

  @Test
  void theTokenGoesToNoJournalAndIsPrintedOnRequest() throws Exception {
    Map<String, String> variables = variables("JOURNAL_STREAM", "8:1");
    assertThat(run(new FirstTokenCommand(variables))).isEqualTo(2);
    assertThat(err.toString()).contains("There is no token in " + folder.resolve("data"));
    serve(
        variables,
        url -> {
          assertThat(out.toString()).contains("token    in " + folder.resolve("data/token"));
          var printed = new StringWriter();
          int code =
              new CommandLine(new FirstTokenCommand(variables))
                  .setOut(new PrintWriter(printed))
                  .execute();
          assertThat(code).isZero();
          String token = printed.toString().trim();
          assertThat(out.toString()).doesNotContain(token);
          assertThat(status(url, token)).isEqualTo(200);
        });
  }

  @Test
  void theServiceManagerIsToldWhenTheServerAnswers() throws Exception {
    var group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    try {
      var told = new LinkedBlockingQueue<String>();
      var receive =
          new SimpleChannelInboundHandler<DomainDatagramPacket>() {
            @Override
            protected void channelRead0(
                ChannelHandlerContext context, DomainDatagramPacket packet) {
              told.add(packet.content().toString(StandardCharsets.UTF_8));
            }
          };
      Path socket = folder.resolve("notify");
      new Bootstrap()
          .group(group)
          .channel(EpollDomainDatagramChannel.class)
          .handler(receive)
          .bind(new DomainSocketAddress(socket.toString()))
          .sync();
      serve(
          variables("NOTIFY_SOCKET", socket.toString(), "RS_API_TOKEN", "hush"),
          url -> {
            assertThat(told.take()).startsWith("READY=1\n");
            assertThat(status(url, "hush")).isEqualTo(200);
          });
    } finally {
      group.shutdownGracefully().sync();
    }
  }

  @Test
  void aServiceManagerThatIsNotThereHarmsNothing() throws Exception {
    serve(
        variables("NOTIFY_SOCKET", folder.resolve("nobody").toString(), "RS_API_TOKEN", "hush"),
        url -> assertThat(status(url, "hush")).isEqualTo(200));
    serve(
        variables("NOTIFY_SOCKET", "vsock:1:2", "RS_API_TOKEN", "hush"),
        url -> assertThat(status(url, "hush")).isEqualTo(200));
  }

  @Test
  void logLevelsAreSetForAllAndForSome() throws Exception {
    serve(
        variables("RS_LOG_LEVEL", "ERROR,some::place=DEBUG"),
        url -> {
          assertThat(LoggerFactory.getLogger("other").isWarnEnabled()).isFalse();
          assertThat(LoggerFactory.getLogger("some.place.here").isDebugEnabled()).isTrue();
        });
  }

  @Test
  void settingsPrintsWhatAStartWouldUse() {
    assertThat(run(new SettingsCommand(variables("RS_ZENOH_BUCKET", "z")))).isZero();
    assertThat(out.toString())
        .contains("RS_PORT = 0\n")
        .contains("RS_IO_BATCH_MAX_RECORDS = 85 (default)\n")
        .contains("RS_PUBLIC_URL (not set)\n")
        .contains("RS_ZENOH_BUCKET = z (ignored: ")
        .doesNotContain("RS_ZENOH_CONFIG");
    assertThat(folder.resolve("data")).doesNotExist();
  }

  @Test
  void settingsTellsMistakesAlsoAsJson() throws IOException {
    Map<String, String> wrong = variables("RS_PORT", "x", "RS_API_TOKEN", "hush", "RS_PROT", "1");
    assertThat(run(new SettingsCommand(wrong))).isEqualTo(2);
    assertThat(err.toString()).contains("Error: RS_PORT is 'x'", "Warning: RS_PROT is unknown");
    out.getBuffer().setLength(0);
    assertThat(run(new SettingsCommand(wrong), "--json")).isEqualTo(2);
    var json = new ObjectMapper();
    var lines = new ArrayList<JsonNode>();
    for (String line : out.toString().lines().toList()) {
      lines.add(json.readTree(line));
    }
    assertThat(lines.stream().filter(line -> line.path("name").asText().equals("RS_API_TOKEN")))
        .singleElement()
        .satisfies(line -> {
          assertThat(line.get("value").asText()).isEqualTo("****");
          assertThat(line.get("status").asText()).isEqualTo("set");
        });
    assertThat(lines.getLast().get("mistake").asText()).startsWith("RS_PORT is 'x': ");
    assertThat(lines.get(lines.size() - 2).get("warning").asText()).startsWith("RS_PROT ");
  }
}
