package io.pannier.replicate;

import io.pannier.client.ClientException;
import io.pannier.client.Coding;
import io.pannier.client.Outgoing;
import io.pannier.store.StoredRecord;
import java.util.UUID;

/**
 * Sends one large record so that an attempt goes on where the one before has ended: asks how much
 * the destination has of it, sends the rest, and has a record made of it. What has been sent is
 * known to the destination alone, so this side may be killed at any moment.
 */
final class LargeTransfer {
  /** How often the place to go on may turn out to be another one within an attempt. */
  private static final int TURNS_MAX = 4;

  private final Destination there;
  private final Coding coding;
  private final String id;

  /**
   * @param store id of this store: the record is known by it, its entry and its number
   */
  LargeTransfer(Destination there, Coding coding, UUID store, StoredRecord record) {
    this.there = there;
    this.coding = coding;
    id = store + "-" + record.entry().id() + "-" + record.sequence();
  }

  /**
   * Sends it, or the rest of it.
   *
   * @return bytes that had arrived before; labels may be those of an earlier call in any case
   * @throws ClientException.Refused with status 409 when a record of its time is there
   */
  long send(String entry, StoredRecord record, Outgoing out) {
    long before = there.uploaded(entry, record.timestamp(), id);
    long offset = before;
    for (int turn = 0; turn < TURNS_MAX; turn++) {
      Bodies.Rest rest = Bodies.rest(record, offset);
      long arrived =
          offset == record.length() ? offset : there.append(entry, out, id, rest, offset, coding);
      if (arrived == record.length()) {
        if (!rest.isComplete()) {
          rest.read(); // another connection has brought its end
        }
        there.finish(entry, record.timestamp(), id, rest.checksum());
        return before;
      }
      offset = arrived;
    }
    throw new ClientException.Refused(425, "Another connection sends the same record", 0);
  }
}
