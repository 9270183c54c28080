package io.pannier.cli;

import io.pannier.store.BackupSelection;
import io.pannier.store.BackupSource;
import io.pannier.store.Snapshot;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.http.HttpRequest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;

/** A backup that is made of a running server. */
final class RemoteBackup implements BackupSource {
  private final Remote remote;
  private final BackupSelection selection;
  private String id = "";

  RemoteBackup(Remote remote, BackupSelection selection) {
    this.remote = remote;
    this.selection = selection;
  }

  @Override
  public void list(Consumer<String> sink) throws IOException {
    Map<String, Object> wanted = new LinkedHashMap<>();
    if (!selection.buckets().isEmpty()) {
      wanted.put("buckets", selection.buckets());
    }
    if (!selection.isUnbounded()) {
      wanted.put("from", Long.toUnsignedString(selection.range().start()));
      if (selection.range().bounded()) {
        wanted.put("to", Long.toUnsignedString(selection.range().stop()));
      }
    }
    String body = Json.text(wanted).replaceAll("\"(from|to)\":\"(\\d+)\"", "\"$1\":$2");
    try (Remote.Answer answer =
        remote.send("POST", "backups", HttpRequest.BodyPublishers.ofString(body))) {
      id = answer.header("x-pannier-backup");
      if (id.isEmpty()) {
        throw new RemoteFailed(remote + " is no Pannier server that backups can be made of", null);
      }
      var lines =
          new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8), 1 << 16);
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        sink.accept(line);
      }
    }
  }

  @Override
  public Optional<Bytes> open(Snapshot.Wanted wanted) throws IOException {
    String path =
        "backups/"
            + id
            + "/"
            + wanted.number()
            + "?bytes="
            + wanted.bytes()
            + "&changes="
            + wanted.changes()
            + parts("had", wanted.had())
            + parts("had_changes", wanted.hadChanges());
    try {
      return Optional.of(
          new Block(remote.send("GET", path, HttpRequest.BodyPublishers.noBody()), wanted));
    } catch (RemoteFailed refused) {
      if (refused.status() == 404) {
        return Optional.empty();
      }
      if (refused.status() == 429 || refused.status() == 503) {
        throw new Broken(String.valueOf(refused.getMessage()), refused);
      }
      throw refused;
    } catch (IOException broken) {
      throw new Broken(String.valueOf(broken.getMessage()), broken);
    }
  }

  private static String parts(String name, List<Snapshot.Part> parts) {
    return parts.isEmpty()
        ? ""
        : "&"
            + name
            + "="
            + parts.stream()
                .map(part -> part.bytes() + ":" + (part.sha256().isEmpty() ? "-" : part.sha256()))
                .collect(Collectors.joining(","));
  }

  /** A block as it comes, with its checksum behind it. */
  private static final class Block implements Bytes {
    private final Remote.Answer ownedAnswer;
    private final long from;
    private final long changesFrom;
    private long left;
    private final CRC32C crc = new CRC32C();
    private final byte[] piece = new byte[64 << 10];

    Block(Remote.Answer ownedAnswer, Snapshot.Wanted wanted) throws IOException {
      this.ownedAnswer = ownedAnswer;
      try {
        from = Long.parseLong(ownedAnswer.header("x-pannier-from"));
        changesFrom = Long.parseLong(ownedAnswer.header("x-pannier-changes-from"));
      } catch (NumberFormatException missing) {
        ownedAnswer.close();
        throw new IOException("malformed answer", missing);
      }
      left = wanted.bytes() - from + wanted.changes() - changesFrom;
      if (left == 0) {
        check();
      }
    }

    @Override
    public long from() {
      return from;
    }

    @Override
    public long changesFrom() {
      return changesFrom;
    }

    @Override
    public void read(ByteBuffer target) throws IOException {
      try {
        while (target.hasRemaining() && left > 0) {
          int some =
              ownedAnswer
                  .body()
                  .read(piece, 0, (int) Math.min(Math.min(piece.length, target.remaining()), left));
          if (some < 0) {
            throw new IOException("the connection ended within a block");
          }
          crc.update(piece, 0, some);
          target.put(piece, 0, some);
          left -= some;
          if (left == 0) {
            check();
          }
        }
      } catch (Broken broken) {
        throw broken;
      } catch (IOException broken) {
        throw new Broken(String.valueOf(broken.getMessage()), broken);
      }
    }

    private void check() throws IOException {
      byte[] told = ownedAnswer.body().readNBytes(Integer.BYTES);
      if (told.length < Integer.BYTES
          || ByteBuffer.wrap(told).order(ByteOrder.LITTLE_ENDIAN).getInt()
              != (int) crc.getValue()) {
        throw new Broken("a block was changed on its way", null);
      }
    }

    @Override
    public void close() {
      try {
        ownedAnswer.close();
      } catch (IOException gone) {
        assert gone != null;
      }
    }
  }

  /** Ends the backup at the server. */
  @Override
  public void close() {
    if (!id.isEmpty()) {
      try (var ended =
          remote.send("DELETE", "backups/" + id, HttpRequest.BodyPublishers.noBody())) {
        id = "";
        assert ended != null;
      } catch (IOException | RemoteFailed gone) {
        // It ends by itself.
        id = "";
      }
    }
  }
}
