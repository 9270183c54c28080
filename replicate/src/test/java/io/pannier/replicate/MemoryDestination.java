package io.pannier.replicate;

import io.pannier.client.ClientException;
import io.pannier.client.Coding;
import io.pannier.client.LabelUpdate;
import io.pannier.client.Outgoing;
import io.pannier.client.RecordErrors;
import io.pannier.client.RemoteRecord;
import io.pannier.client.RemoteServer;
import io.pannier.model.Labels;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/** A destination in memory, with everything that can go wrong on the way to one. */
final class MemoryDestination implements Destinations {
  /** What happens to a call. */
  interface Fault {
    /** Called before anything is stored; may throw. */
    default void before() {}

    /** How many of the records arrive before the connection ends; negative: it does not end. */
    default int arriving(int records) {
      return -1;
    }

    /** An error of a single record; empty: it is stored. */
    default Optional<ClientException.Refused> ofRecord() {
      return Optional.empty();
    }

    /** Called when everything is stored and before the answer; may throw. */
    default void after() {}
  }

  /** Nothing goes wrong. */
  static final Fault NONE = new Fault() {};

  /** A record as it arrived. */
  static final class Stored {
    final byte[] body;
    Labels labels;

    Stored(byte[] body, Labels labels) {
      this.body = body;
      this.labels = labels;
    }
  }

  final Map<String, Map<Long, Stored>> entries = new TreeMap<>();
  Fault fault = NONE;
  int writes;
  int updates;
  int opened;
  int minor = 21;
  final Map<Coding, Integer> codings = new HashMap<>();

  @Override
  public Destination of(ReplicationSettings settings) {
    return new To();
  }

  Optional<Stored> record(String entry, long timestamp) {
    return Optional.ofNullable(entries.getOrDefault(entry, Map.of()).get(timestamp));
  }

  private final class To implements Destination {
    @Override
    public RemoteServer open() {
      fault.before();
      opened++;
      return new RemoteServer(minor, Optional.empty());
    }

    @Override
    public RecordErrors write(String entry, List<Outgoing> records, Coding coding) {
      fault.before();
      writes++;
      codings.merge(coding, 1, Integer::sum);
      int arriving = fault.arriving(records.size());
      Map<Long, ClientException.Refused> errors = new HashMap<>();
      int number = 0;
      for (Outgoing record : records) {
        if (number++ == arriving) {
          throw new ClientException.Broken("cut", null);
        }
        byte[] body = body(record);
        Optional<ClientException.Refused> error = fault.ofRecord();
        if (error.isPresent()) {
          errors.put(record.timestamp(), error.get());
        } else if (record(entry, record.timestamp()).isPresent()) {
          errors.put(
              record.timestamp(), new ClientException.Refused(409, "A record already exists", 0));
        } else {
          entries
              .computeIfAbsent(entry, name -> new TreeMap<>())
              .put(record.timestamp(), new Stored(body, record.labels()));
        }
      }
      fault.after();
      return new RecordErrors(errors);
    }

    private static byte[] body(Outgoing record) {
      var bytes = new ByteArrayOutputStream();
      try {
        record.body().writeTo(bytes);
      } catch (IOException impossible) {
        throw new UncheckedIOException(impossible);
      }
      if (bytes.size() != record.body().length()) {
        throw new AssertionError("body has another length than announced");
      }
      return bytes.toByteArray();
    }

    @Override
    public RecordErrors update(String entry, List<LabelUpdate> changes) {
      fault.before();
      updates++;
      if (!entries.containsKey(entry)) {
        throw new ClientException.Refused(404, "Entry is not found", 0);
      }
      Map<Long, ClientException.Refused> errors = new HashMap<>();
      for (LabelUpdate change : changes) {
        Optional<ClientException.Refused> error = fault.ofRecord();
        Optional<Stored> record = record(entry, change.timestamp());
        if (error.isPresent()) {
          errors.put(change.timestamp(), error.get());
        } else if (record.isEmpty()) {
          errors.put(change.timestamp(), new ClientException.Refused(404, "not found", 0));
        } else {
          record.get().labels = record.get().labels.updated(change.labels());
        }
      }
      fault.after();
      return new RecordErrors(errors);
    }

    @Override
    public Optional<RemoteRecord> find(String entry, long timestamp) {
      fault.before();
      return record(entry, timestamp)
          .map(record -> {
            var crc = new CRC32C();
            crc.update(record.body);
            return new RemoteRecord(
                record.body.length,
                "application/octet-stream",
                record.labels,
                Optional.of((int) crc.getValue()));
          });
    }

    @Override
    public void closeIfStalled() {}

    @Override
    public void close() {}
  }
}
