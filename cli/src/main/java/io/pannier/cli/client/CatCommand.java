package io.pannier.cli.client;

import io.pannier.client.Bucket;
import io.pannier.client.Json;
import io.pannier.client.StoredRecord;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code cat}: the body of a record. */
@Command(
    name = "cat",
    description =
        "Write the body of a record to standard output; the newest one if no time is given")
public final class CatCommand extends ClientCommand {
  @Parameters(paramLabel = "<ENTRY_PATH>", description = "SERVER_ALIAS/BUCKET/ENTRY")
  private String path = "";

  @Option(
      names = {"-t", "--timestamp"},
      paramLabel = "<TIME>",
      description = "Time of the record")
  private @Nullable String timestamp;

  @Override
  int run() throws IOException {
    Long time = time(timestamp);
    Place.Entry place = entry(path);
    Bucket bucket = client(place.bucket().instance()).bucket(place.bucket().name());
    if (globals.json) {
      var info = time == null ? bucket.findLatest(place.entry()) : bucket.find(place.entry(), time);
      if (info.isEmpty()) {
        throw new Failure(Exit.NOT_FOUND, "No such record in '" + Place.hidden(path) + "'");
      }
      out().println(Json.write(RecordLine.json(info.get())));
      return Exit.OK;
    }
    try (StoredRecord record =
        time == null ? bucket.readLatest(place.entry()) : bucket.read(place.entry(), time)) {
      out().flush();
      record.body().transferTo(System.out);
      System.out.flush();
    }
    return Exit.OK;
  }
}
