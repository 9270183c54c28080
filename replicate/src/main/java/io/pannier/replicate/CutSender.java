package io.pannier.replicate;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.client.ClientException;
import io.pannier.client.Coding;
import io.pannier.client.Outgoing;
import io.pannier.client.RecordErrors;
import io.pannier.client.RemoteRecord;
import io.pannier.client.RemoteStore;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.query.RecordCut;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import io.pannier.store.StoredRecord;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32C;

/**
 * Sends what extensions make of a record in its place. A record is done when all of it has arrived;
 * when the link breaks in the middle all is made and sent again, and what is there already is known
 * by its length and checksum.
 */
final class CutSender {
  private static final int PIECE = 64 * 1024;

  private final Extractor extractor;
  private final JsonNode ext;
  private final UnaryOperator<String> names;
  private final Diagnostics diagnostics;

  /** Whether something was not taken, and will not be. */
  private boolean refused;

  /** Whether something was not taken this time. */
  private boolean putOff;

  private long sentBytes;

  /**
   * @param names what an entry is called at the destination
   */
  CutSender(
      Extractor extractor, JsonNode ext, UnaryOperator<String> names, Diagnostics diagnostics) {
    this.extractor = extractor;
    this.ext = ext;
    this.names = names;
    this.diagnostics = diagnostics;
  }

  /**
   * Sends what a record becomes.
   *
   * @throws PannierException.Invalid when extensions cannot make anything of it
   * @throws PannierException.NotFound when it went away before all of it was sent
   * @throws PannierException when it cannot be read or cut at this moment
   * @throws ClientException when the destination cannot be reached, or refuses everything
   */
  Track.Outcome send(Destination there, StoredRecord record, Coding coding) {
    refused = false;
    putOff = false;
    sentBytes = 0;
    try (RecordCut cut = opened(record)) {
      for (List<Item> items = cut.next(); !items.isEmpty() && !putOff; items = cut.next()) {
        try {
          send(there, items, coding);
        } finally {
          items.forEach(item -> item.body().close());
        }
      }
    }
    if (putOff) {
      return Track.Outcome.LATER;
    }
    if (refused) {
      return Track.Outcome.REFUSED;
    }
    diagnostics.sent(sentBytes);
    return Track.Outcome.ARRIVED;
  }

  /** Parameters that are refused are no fault of the record: it waits until they are right. */
  private RecordCut opened(StoredRecord record) {
    try {
      return extractor.open(record, ext);
    } catch (PannierException.Invalid settings) {
      throw new PannierException.Unavailable(String.valueOf(settings.getMessage()), 1);
    }
  }

  private void send(Destination there, List<Item> items, Coding coding) {
    Map<String, List<Item>> byEntry = new TreeMap<>();
    for (Item item : items) {
      byEntry.computeIfAbsent(names.apply(item.entry()), name -> new ArrayList<>()).add(item);
    }
    byEntry.forEach((entry, some) -> {
      some.sort(Comparator.comparing(Item::timestamp, Timestamp::compare));
      List<Item> together = new ArrayList<>();
      for (Item item : some) {
        if (RemoteStore.fitsBatch(item.labels())) {
          together.add(item);
        } else {
          write(there, entry, List.of(item), coding);
        }
      }
      write(there, entry, together, coding);
    });
  }

  private void write(Destination there, String entry, List<Item> items, Coding coding) {
    if (items.isEmpty() || putOff) {
      return;
    }
    RecordErrors errors;
    try {
      errors = there.write(entry, items.stream().map(CutSender::outgoing).toList(), coding);
    } catch (ClientException.Refused whole) {
      boolean mayHelp = whole.code() == 413 || whole.code() == 422 || whole.code() == 431;
      if (!mayHelp) {
        throw whole;
      }
      if (items.size() > 1) {
        int half = items.size() / 2;
        write(there, entry, items.subList(0, half), coding);
        write(there, entry, items.subList(half, items.size()), coding);
      } else {
        told(there, entry, items.getFirst(), whole);
      }
      return;
    }
    for (Item item : items) {
      ClientException.Refused error = errors.byTimestamp().get(item.timestamp());
      if (error == null) {
        sentBytes += item.body().length();
      } else {
        told(there, entry, item, error);
      }
    }
  }

  /** As with whole records, only a malformed one, and another in its place, are for good. */
  private void told(Destination there, String entry, Item item, ClientException.Refused error) {
    switch (error.code()) {
      case 404 -> throw error; // the bucket is gone: whoever gets this has it made again
      case 409 -> {
        Optional<RemoteRecord> found = there.find(entry, item.timestamp());
        if (found.isEmpty()) {
          putOff = true; // it has gone since: once more
        } else if (isSame(found.get(), item)) {
          sentBytes += item.body().length();
        } else {
          diagnostics.error(409, String.valueOf(error.getMessage()), 1);
          refused = true;
        }
      }
      case 422 -> {
        diagnostics.error(422, String.valueOf(error.getMessage()), 1);
        refused = true;
      }
      default -> {
        diagnostics.error(error.code(), String.valueOf(error.getMessage()), 1);
        putOff = true;
      }
    }
  }

  private static Outgoing outgoing(Item item) {
    return new Outgoing(
        item.timestamp(), item.contentType(), item.labels(), new OutgoingBody(item.body()));
  }

  /** Whether it came with an earlier attempt. */
  private static boolean isSame(RemoteRecord found, Item item) {
    return found.length() == item.body().length()
        && found.checksum().map(sum -> sum == crc32c(item.body())).orElse(true);
  }

  private static int crc32c(Body body) {
    var crc = new CRC32C();
    ByteBuffer piece = ByteBuffer.allocate(PIECE);
    for (long at = 0; at < body.length(); ) {
      at += readPiece(body, at, piece);
      crc.update(piece);
    }
    return (int) crc.getValue();
  }

  private static int readPiece(Body body, long at, ByteBuffer piece) {
    int count = body.read(at, piece.clear());
    if (count <= 0) {
      throw new PannierException.Internal("Content of an extension ended early", null);
    }
    piece.flip();
    return count;
  }

  private record OutgoingBody(Body body) implements io.pannier.client.Body {
    @Override
    public long length() {
      return body.length();
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      ByteBuffer piece = ByteBuffer.allocate(Math.clamp(length(), 1, PIECE));
      for (long at = 0; at < length(); ) {
        at += readPiece(body, at, piece);
        out.write(piece.array(), 0, piece.limit());
      }
    }
  }
}
