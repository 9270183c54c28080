package io.pannier.cli.client;

import io.pannier.client.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code query}: the records that a condition finds, or how it would be found out. */
@Command(
    name = "query",
    description = "List the records of a bucket or an entry that a condition finds",
    footer = {"", "With --json one object a line; cp with --format exports bodies, too."})
public final class QueryCommand extends LsCommand {
  /** {@code explain}: what a query would read. */
  @Command(
      name = "explain",
      description =
          "Tell what a query would read and which blocks it passes over (Pannier servers)")
  public static final class Explain extends ClientCommand {
    @Parameters(
        paramLabel = "<PATH>",
        description = "SERVER_ALIAS/BUCKET or SERVER_ALIAS/BUCKET/ENTRY")
    private String path = "";

    @Option(
        names = {"-w", "--when"},
        paramLabel = "<CONDITION>",
        description = "The condition")
    private @Nullable String when;

    @Override
    int run() {
      Place place = place(path, "<PATH>");
      Place.Resource bucket = resource(path, "<PATH>");
      Map<String, @Nullable Object> body = new LinkedHashMap<>();
      body.put("query_type", "QUERY");
      body.put("explain", true);
      body.put("when", AliasCommands.condition(when));
      if (place instanceof Place.Entry entry) {
        body.put("entries", List.of(entry.entry()));
      }
      String answer =
          client(bucket.instance()).call("POST", "io/" + bucket.name() + "/q", Json.write(body));
      Object plan = Json.parse(answer);
      out().println(globals.json ? Json.write(plan) : Json.pretty(plan));
      return Exit.OK;
    }
  }

  @Override
  boolean isQuery() {
    return true;
  }
}
