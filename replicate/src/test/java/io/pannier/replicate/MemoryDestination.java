package io.pannier.replicate;

import io.pannier.client.Body;
import io.pannier.client.ClientException;
import io.pannier.client.Coding;
import io.pannier.client.LabelUpdate;
import io.pannier.client.Outgoing;
import io.pannier.client.RecordErrors;
import io.pannier.client.RemoteRecord;
import io.pannier.client.RemoteServer;
import io.pannier.client.Throttle;
import io.pannier.model.Labels;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
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

    /** After how many bytes of the rest of a large body the link ends; negative: it does not. */
    default long cut(long length) {
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
  boolean takesUploads = true;

  /** Bytes of bodies that came, those that came in vain too. */
  long received;

  /** What has come of uploads that are not finished. */
  final Map<String, Part> parts = new TreeMap<>();

  final Map<Coding, Integer> codings = new HashMap<>();

  @Override
  public Destination of(ReplicationSettings settings, Throttle throttle) {
    return new To();
  }

  Optional<Stored> record(String entry, long timestamp) {
    return Optional.ofNullable(entries.getOrDefault(entry, Map.of()).get(timestamp));
  }

  /** A part of a record. */
  static final class Part {
    final ByteArrayOutputStream body = new ByteArrayOutputStream();
    final Labels labels;

    Part(Labels labels) {
      this.labels = labels;
    }
  }

  /** What a body is written to on a link that ends after so many bytes; negative: it does not. */
  private final class Link extends OutputStream {
    private final OutputStream out;
    private long left;

    Link(OutputStream out, long left) {
      this.out = out;
      this.left = left;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
      int some = (int) (left < 0 ? length : Math.min(left, length));
      out.write(bytes, from, some);
      received += some;
      if (left >= 0) {
        left -= some;
        if (some < length || left == 0) {
          throw new ClientException.Broken("cut", null);
        }
      }
    }
  }

  private final class To implements Destination {
    @Override
    public RemoteServer open() {
      fault.before();
      opened++;
      return new RemoteServer(minor, Optional.empty(), takesUploads);
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

    private byte[] body(Outgoing record) {
      var bytes = new ByteArrayOutputStream();
      try {
        record.body().writeTo(new Link(bytes, -1));
      } catch (IOException impossible) {
        throw new UncheckedIOException(impossible);
      }
      if (bytes.size() != record.body().length()) {
        throw new AssertionError("body has another length than announced");
      }
      return bytes.toByteArray();
    }

    private String key(String entry, long timestamp, String id) {
      return entry + "@" + timestamp + "#" + id;
    }

    private void refuseExisting(String entry, long timestamp) {
      if (record(entry, timestamp).isPresent()) {
        throw new ClientException.Refused(409, "A record already exists", 0);
      }
    }

    @Override
    public long uploaded(String entry, long timestamp, String id) {
      fault.before();
      Part part = parts.get(key(entry, timestamp, id));
      if (part == null) {
        refuseExisting(entry, timestamp);
      }
      return part == null ? 0 : part.body.size();
    }

    @Override
    public long append(
        String entry, Outgoing record, String id, Body rest, long offset, Coding coding) {
      fault.before();
      Part part = parts.get(key(entry, record.timestamp(), id));
      if (part == null && offset == 0) {
        refuseExisting(entry, record.timestamp());
        part = new Part(record.labels());
        parts.put(key(entry, record.timestamp(), id), part);
      }
      if (part == null || part.body.size() != offset) {
        return part == null ? 0 : part.body.size();
      }
      try {
        rest.writeTo(new Link(part.body, fault.cut(rest.length())));
      } catch (IOException impossible) {
        throw new UncheckedIOException(impossible);
      }
      fault.after();
      return part.body.size();
    }

    @Override
    public void finish(String entry, long timestamp, String id, int checksum) {
      fault.before();
      Part part = parts.remove(key(entry, timestamp, id));
      if (part == null) {
        refuseExisting(entry, timestamp);
        throw new ClientException.Refused(404, "Upload does not exist", 0);
      }
      var crc = new CRC32C();
      crc.update(part.body.toByteArray());
      if ((int) crc.getValue() != checksum) {
        throw new AssertionError("checksum of an upload differs");
      }
      refuseExisting(entry, timestamp);
      entries
          .computeIfAbsent(entry, name -> new TreeMap<>())
          .put(timestamp, new Stored(part.body.toByteArray(), part.labels));
      fault.after();
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
