package io.pannier.replicate;

import io.pannier.client.Body;
import io.pannier.client.Coding;
import io.pannier.client.LabelUpdate;
import io.pannier.client.Outgoing;
import io.pannier.client.RecordErrors;
import io.pannier.client.RemoteRecord;
import io.pannier.client.RemoteServer;
import java.util.List;
import java.util.Optional;

/**
 * The bucket that a task copies to. One thread at a time, except the last two. All calls but the
 * last two throw {@link io.pannier.client.ClientException}.
 */
public interface Destination extends AutoCloseable {
  /** Makes sure that the bucket is there. */
  RemoteServer open();

  /** Writes records of one entry, in ascending time. */
  RecordErrors write(String entry, List<Outgoing> records, Coding coding);

  /** Changes labels of records of one entry. */
  RecordErrors update(String entry, List<LabelUpdate> updates);

  /** Bytes that are there of an upload ({@link io.pannier.client.RemoteStore#uploaded}). */
  long uploaded(String entry, long timestamp, String id);

  /**
   * Goes on with an upload; returns how much is there then ({@link
   * io.pannier.client.RemoteStore#append}).
   *
   * @param rest what is missing of the body of the record
   */
  long append(String entry, Outgoing record, String id, Body rest, long offset, Coding coding);

  /** Makes a record of an upload ({@link io.pannier.client.RemoteStore#finish}). */
  void finish(String entry, long timestamp, String id, int checksum);

  /** What is there of a record. */
  Optional<RemoteRecord> find(String entry, long timestamp);

  /** Ends a call in which nothing moves any more. */
  void closeIfStalled();

  /** Ends the call under way, if any; the next one connects anew. */
  @Override
  void close();
}
