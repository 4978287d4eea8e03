"""One run of one resource: what it reads, decides and writes, under the lease. Begin at sync_resource.py."""
