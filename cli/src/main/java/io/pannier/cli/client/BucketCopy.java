package io.pannier.cli.client;

import io.pannier.client.BatchWriter;
import io.pannier.client.Body;
import io.pannier.client.Bucket;
import io.pannier.client.ClientException;
import io.pannier.client.Outgoing;
import io.pannier.client.QueryOptions;
import io.pannier.client.RecordStream;
import io.pannier.client.StoredRecord;
import io.pannier.model.Timestamp;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Records of a bucket into another one; what is there already is passed over. */
final class BucketCopy {
  /** Larger records travel alone, straight through. */
  private static final long BATCHED_MAX = 256 * 1024;

  private static final int ATTEMPTS = 5;

  private final Bucket source;
  private final Bucket destination;
  private final Transfer transfer;

  BucketCopy(Bucket source, Bucket destination, Transfer transfer) {
    this.source = source;
    this.destination = destination;
    this.transfer = transfer;
  }

  /**
   * Copies one entry with what is attached to it.
   *
   * @param fromLast only what is newer than the newest record at the destination
   */
  void entry(String entry, QueryOptions options, boolean fromLast) {
    attachments(entry);
    QueryOptions wanted = options;
    if (fromLast) {
      var last = destination.findLatest(entry);
      if (last.isPresent()) {
        var newest = source.findLatest(entry);
        if (newest.isEmpty()
            || !Timestamp.isBefore(last.get().timestamp(), newest.get().timestamp())) {
          return;
        }
        wanted = options.from(last.get().timestamp() + 1);
      }
    }
    BatchWriter.Options batches = BatchWriter.Options.usual().bytes(1_000_000);
    Map<Long, Integer> sizes = new ConcurrentHashMap<>();
    String[] failure = new String[1];
    try (RecordStream records = source.query(entry, wanted);
        BatchWriter writer =
            destination.writer(
                batches,
                (key, error) -> {
                  Integer size = sizes.remove(key.timestamp());
                  if (error.isEmpty()) {
                    transfer.copied(size == null ? 0 : size);
                  } else if (error.get().code() == 409) {
                    transfer.skipped.incrementAndGet();
                  } else if (failure[0] == null) {
                    failure[0] = key + ": " + Transfer.reason(error.get());
                  }
                })) {
      while (records.hasNext() && failure[0] == null) {
        StoredRecord record = records.next();
        if (record.length() > BATCHED_MAX) {
          alone(record);
        } else {
          byte[] bytes = record.bytes();
          sizes.put(record.timestamp(), bytes.length);
          writer.add(
              entry,
              new Outgoing(
                  record.timestamp(), record.contentType(), record.labels(), Body.of(bytes)));
        }
      }
      writer.flush();
    }
    if (failure[0] != null) {
      throw new Failure(failure[0]);
    }
  }

  private void attachments(String entry) {
    try {
      Map<String, String> documents = attachmentsOf(source, entry);
      if (!documents.isEmpty()) {
        destination.writeAttachments(entry, documents);
      }
    } catch (ClientException.Unsupported older) {
      // A destination before 1.19 has none.
    }
  }

  /** What is attached to an entry; nothing where the server does not know such a thing. */
  static Map<String, String> attachmentsOf(Bucket bucket, String entry) {
    try {
      return bucket.attachments(entry);
    } catch (ClientException.Unsupported older) {
      // Stores before 1.19 have none.
      return Map.of();
    } catch (ClientException.Refused refused) {
      if (refused.code() != 404 && refused.code() != 405) {
        throw refused;
      }
      return Map.of();
    }
  }

  /** Writes one record straight from the one connection to the other. */
  void alone(StoredRecord record) {
    Optional<StoredRecord> again = Optional.empty();
    for (int attempt = 1; ; attempt++) {
      StoredRecord from = again.orElse(record);
      try (from) {
        destination.write(
            record.entry(),
            new Outgoing(
                record.timestamp(),
                record.contentType(),
                record.labels(),
                Body.of(from.body(), record.length())));
        transfer.copied(record.length());
        return;
      } catch (ClientException.Refused refused) {
        if (refused.code() == 409) {
          transfer.skipped.incrementAndGet();
          return;
        }
        throw refused;
      } catch (ClientException lost) {
        if (attempt == ATTEMPTS) {
          throw lost;
        }
        again = Optional.of(source.read(record.entry(), record.timestamp()));
      }
    }
  }
}
