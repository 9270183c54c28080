package io.pannier.client;

/** Something for one record of an entry. */
record Keyed<T>(String entry, long timestamp, T value) {
  RecordKey key() {
    return new RecordKey(entry, timestamp);
  }
}
