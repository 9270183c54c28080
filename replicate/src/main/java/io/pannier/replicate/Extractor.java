package io.pannier.replicate;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.model.PannierException;
import io.pannier.query.RecordCut;
import io.pannier.store.Bucket;
import io.pannier.store.StoredRecord;
import java.util.Optional;

/** Has extensions work on records that are to be copied. */
public interface Extractor {
  /** For a server without extensions. */
  Extractor NONE =
      new Extractor() {
        @Override
        public void check(Optional<Bucket> source, JsonNode ext) {
          throw new PannierException.Invalid("There are no extensions");
        }

        @Override
        public RecordCut open(StoredRecord record, JsonNode ext) {
          throw new PannierException.Invalid("There are no extensions");
        }
      };

  /**
   * Refuses what extensions refuse.
   *
   * @param source the bucket, if it is there already
   * @throws PannierException.Invalid when a query with these parameters would be refused
   */
  void check(Optional<Bucket> source, JsonNode ext);

  /** What extensions make of a record alone; the caller closes it. */
  RecordCut open(StoredRecord record, JsonNode ext);
}
