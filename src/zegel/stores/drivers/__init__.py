"""One driver per kind of storage, all with one shape (``driver.Driver``), all sitting one exam (tests/stores/exam.py).

``driver``  the shape, and what a driver says about itself
``local``   a folder on a disk of our own; ``journal``: small blobs together
``s3``      a bucket at whoever speaks S3; ``s3_wire``, ``s3_writer``, ``s3_errors``: its parts
``webdav``  a folder at whoever speaks WebDAV; ``webdav_writer``, ``webdav_xml``: its parts
``azure``   a container of Azure Blob Storage; ``azure_writer``, ``azure_errors``: its parts
``parted``  what writers to s3 and azure have in common
"""
