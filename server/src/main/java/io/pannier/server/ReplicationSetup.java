package io.pannier.server;

import io.pannier.replicate.ReplicationDeclaration;
import io.pannier.replicate.ReplicationOptions;
import java.util.List;

/**
 * What the configuration says about replications.
 *
 * @param options for all of them; the port and the size of batches are those of the server
 * @param declarations those that are there after every start
 */
public record ReplicationSetup(
    ReplicationOptions options, List<ReplicationDeclaration> declarations) {
  /** Nothing is said. */
  public static final ReplicationSetup DEFAULT =
      new ReplicationSetup(ReplicationOptions.DEFAULT, List.of());

  /** Copies the list. */
  public ReplicationSetup {
    declarations = List.copyOf(declarations);
  }
}
