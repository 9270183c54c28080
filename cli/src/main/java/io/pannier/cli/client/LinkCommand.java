package io.pannier.cli.client;

import io.pannier.client.Bucket;
import io.pannier.client.LinkOptions;
import io.pannier.client.RecordInfo;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code link}: a record for anybody. */
@Command(
    name = "link",
    description = "Make a link that opens one record without a token, until it ends")
public final class LinkCommand extends ClientCommand {
  @Parameters(paramLabel = "<ENTRY_PATH>", description = "SERVER_ALIAS/BUCKET/ENTRY")
  private String path = "";

  @Option(
      names = {"-t", "--timestamp"},
      paramLabel = "<TIME>",
      description = "Time of the record; the newest one if not given")
  private @Nullable String timestamp;

  @Option(
      names = "--expires-in",
      paramLabel = "<DURATION>",
      description = "How long it works (e.g. 1h, 2d; 24h if not given)")
  private String expiresIn = "24h";

  @Option(names = "--file-name", paramLabel = "<NAME>", description = "What a browser saves it as")
  private @Nullable String fileName;

  @Option(
      names = "--base-url",
      paramLabel = "<URL>",
      description = "What the link begins with; the address of the instance if not given")
  private @Nullable String baseUrl;

  @Override
  int run() {
    Place.Entry place = entry(path);
    Place.Instance instance = place.bucket().instance();
    Bucket bucket = client(instance).bucket(place.bucket().name());
    long time =
        timestamp == null
            ? bucket
                .findLatest(place.entry())
                .map(RecordInfo::timestamp)
                .orElseThrow(
                    () -> new Failure(Exit.NOT_FOUND, "No record in '" + Place.hidden(path) + "'"))
            : Objects.requireNonNull(time(timestamp));
    Instant end =
        Instant.ofEpochSecond(CLOCK.wallMicros() / 1_000_000)
            .plus(Times.duration(expiresIn, "--expires-in"));
    String address = baseUrl == null ? instance.alias().url() : baseUrl;
    LinkOptions options =
        LinkOptions.of(place.entry(), time, end)
            .baseUrl(address.endsWith("/") ? address.substring(0, address.length() - 1) : address);
    if (fileName != null) {
      options = options.fileName(fileName);
    }
    String link = bucket.createLink(options);
    print(Map.of("link", link, "expires_at", end.toString()), link);
    return Exit.OK;
  }
}
