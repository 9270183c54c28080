/**
 * The Java SDK. {@link io.pannier.client.PannierClient} is the door for programs, any number of
 * threads; below it {@code Transport} keeps connections and repeats what is safe, {@code Writes}
 * and {@code RecordStream} know the batch protocols.
 *
 * <p>Beside it {@code RemoteStore} is what replication sends with: one connection, streamed in both
 * directions, with errors that tell what may be tried again. Written on sockets and not on {@code
 * java.net.http}, because a sender over bad links has to know whether anything of an answer came,
 * to read an answer that overtakes its request, and to close a connection that stands still; all
 * three are out of reach there. One thread at a time uses a {@code RemoteStore}; start there.
 */
@NullMarked
package io.pannier.client;

import org.jspecify.annotations.NullMarked;
