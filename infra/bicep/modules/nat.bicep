metadata description = 'A fixed outbound address, which the firewall before the M-Files server can let in.'

param name string
param location string
param tags object

resource address 'Microsoft.Network/publicIPAddresses@2024-10-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Regional'
  }
  properties: {
    publicIPAllocationMethod: 'Static'
    publicIPAddressVersion: 'IPv4'
  }
}

resource gateway 'Microsoft.Network/natGateways@2024-10-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    idleTimeoutInMinutes: 4
    publicIpAddresses: [
      {
        id: address.id
      }
    ]
  }
}

output id string = gateway.id
output address string = address.properties.ipAddress
