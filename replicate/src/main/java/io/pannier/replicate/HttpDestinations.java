package io.pannier.replicate;

import io.pannier.client.Body;
import io.pannier.client.ClientOptions;
import io.pannier.client.Coding;
import io.pannier.client.LabelUpdate;
import io.pannier.client.Outgoing;
import io.pannier.client.RecordErrors;
import io.pannier.client.RemoteRecord;
import io.pannier.client.RemoteServer;
import io.pannier.client.RemoteStore;
import io.pannier.client.Throttle;
import io.pannier.client.Tls;
import io.pannier.model.Clock;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Destinations over HTTP. */
public final class HttpDestinations implements Destinations {
  private final ReplicationOptions options;
  private final Clock clock;
  private final UUID store;

  /**
   * Destinations with the certificates that the options name.
   *
   * @param store id of the store that is copied from
   */
  public HttpDestinations(ReplicationOptions options, Clock clock, UUID store) {
    this.options = options;
    this.clock = clock;
    this.store = store;
  }

  @Override
  public Destination of(ReplicationSettings settings, Throttle throttle) {
    // Read for each task, so that a file that was mended is taken without a restart.
    Tls tls =
        !options.verifyTls()
            ? Tls.unverified()
            : options.authorities().map(Tls::withAuthorities).orElseGet(Tls::usual);
    ClientOptions client =
        ClientOptions.of(
                URI.create(settings.destinationHost()), settings.destinationToken(), tls, clock)
            .withOrigin(store.toString())
            .withThrottle(throttle);
    return new OverHttp(new RemoteStore(client), settings.destinationBucket());
  }

  private record OverHttp(RemoteStore store, String bucket) implements Destination {
    @Override
    public RemoteServer open() {
      Optional<RemoteServer> found = store.findBucket(bucket);
      if (found.isPresent()) {
        return found.get();
      }
      store.createBucket(bucket);
      return store
          .findBucket(bucket)
          .orElseThrow(() ->
              new io.pannier.client.ClientException.Refused(
                  404, "Bucket '" + bucket + "' is not found", 0));
    }

    @Override
    public RecordErrors write(String entry, List<Outgoing> records, Coding coding) {
      return store.write(bucket, entry, records, coding);
    }

    @Override
    public RecordErrors update(String entry, List<LabelUpdate> updates) {
      return store.update(bucket, entry, updates);
    }

    @Override
    public long uploaded(String entry, long timestamp, String id) {
      return store.uploaded(bucket, entry, timestamp, id);
    }

    @Override
    public long append(
        String entry, Outgoing record, String id, Body rest, long offset, Coding coding) {
      return store.append(bucket, entry, record, id, rest, offset, record.body().length(), coding);
    }

    @Override
    public void finish(String entry, long timestamp, String id, int checksum) {
      store.finish(bucket, entry, timestamp, id, checksum);
    }

    @Override
    public Optional<RemoteRecord> find(String entry, long timestamp) {
      return store.find(bucket, entry, timestamp);
    }

    @Override
    public void closeIfStalled() {
      store.closeIfStalled();
    }

    @Override
    public void close() {
      store.close();
    }
  }
}
