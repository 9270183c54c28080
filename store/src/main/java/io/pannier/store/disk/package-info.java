/**
 * The narrow door between the engine and the file system. Everything the store keeps on a local
 * disk goes through {@link io.pannier.store.disk.Disk} and {@link io.pannier.store.disk.DiskFile};
 * no other package opens a file of the data folder.
 *
 * <p>The room knows about names, bytes and durability, and nothing about blocks, journals or
 * entries. It calls the JDK and, for one thing the JDK cannot do ({@code syncfs}), the C library.
 * Any thread may enter; a thread inside is never interrupted, because an interrupt closes the
 * channel for every other reader. One caller at a time appends to a file, under its own lock;
 * nothing here locks on its behalf.
 *
 * <p>The invariant it keeps: after a failed call the caller knows exactly what may have changed. An
 * append that failed left at most a tail behind {@link io.pannier.store.disk.DiskFile#size}, which
 * no later append can be confused with; a sync that failed promised nothing.
 *
 * <p>Start at {@link io.pannier.store.disk.Disk}. {@link io.pannier.store.disk.RealDisk} is the one
 * of production. Its brothers for tests, an in-memory disk that loses power on demand, one that
 * fails the n-th call and one that counts, live beside the contract suite that holds all of them to
 * the same behaviour.
 */
@NullMarked
package io.pannier.store.disk;

import org.jspecify.annotations.NullMarked;
