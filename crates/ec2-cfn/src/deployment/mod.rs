//! A CodeDeploy deployment of a revision to EC2 or on-premises instances.
