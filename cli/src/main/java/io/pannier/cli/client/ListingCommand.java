package io.pannier.cli.client;

import io.pannier.client.Json;
import io.pannier.client.PannierClient;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Lists what a server has: names, or all that is known; as lines or a table, or with {@code --json}
 * as it is in an answer of the server.
 *
 * @param <T> what is listed
 */
abstract class ListingCommand<T> extends ClientCommand {
  @Parameters(
      paramLabel = "<ALIAS_OR_URL>",
      description = "Alias or URL (e.g. http://localhost:8383) of the instance to use")
  private String server = "";

  @Option(
      names = {"-f", "--full"},
      description = "Show all that is known, not names only")
  private boolean full;

  /** All that is known, as the server says it. */
  abstract @Nullable Object json(PannierClient client);

  abstract List<T> all(PannierClient client);

  abstract String name(T item);

  abstract Table table(List<T> items);

  @Override
  final int run() {
    PannierClient client = client(server);
    if (globals.json && full) {
      out().println(Json.write(json(client)));
      return Exit.OK;
    }
    List<T> items = all(client);
    if (globals.json) {
      out().println(Json.write(items.stream().map(this::name).toList()));
    } else if (full) {
      table(items).print(out());
    } else {
      items.forEach(item -> out().println(name(item)));
    }
    return Exit.OK;
  }
}
