/**
 * A data folder whose bytes lie in an object store ({@code docs/s3.md}): {@link
 * io.pannier.store.remote.RemoteDisk} is a {@link io.pannier.store.disk.Disk} over a local folder,
 * which holds the tail that is not uploaded yet and a cache, and an {@link
 * io.pannier.store.remote.ObjectStore}.
 *
 * <p>The room knows files, byte ranges and objects, and of blocks only where the footer of a sealed
 * one begins, which it is told. Any thread may enter. What changes names or durable lengths does so
 * under one lock, so that a capture is the state of one instant; appends and reads do not take it.
 *
 * <p>The invariant it keeps: what the root in the object store speaks of is there, and nothing that
 * it does not speak of is given up locally.
 *
 * <p>Start at {@link io.pannier.store.remote.RemoteDisk}, then {@link
 * io.pannier.store.remote.Uploads}.
 */
@NullMarked
package io.pannier.store.remote;

import org.jspecify.annotations.NullMarked;
