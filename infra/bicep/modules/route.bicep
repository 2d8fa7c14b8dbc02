metadata description = 'The way to the M-Files server on the company\'s own network.'

param name string
param location string
param tags object

@description('Addresses of that network.')
param companyPrefixes array

@description('The gateway or firewall that leads there.')
param companyNextHop string

var routes = [for (prefix, number) in companyPrefixes: {
  name: 'company-${number}'
  properties: {
    addressPrefix: prefix
    nextHopType: 'VirtualAppliance'
    nextHopIpAddress: companyNextHop
  }
}]

resource table 'Microsoft.Network/routeTables@2024-10-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    disableBgpRoutePropagation: false
    routes: routes
  }
}

output id string = table.id
